"""What a trial table shows: pure functions from pandas tables to numbers, one file per question.

Sentences, figures and pages are written from these numbers in `asymnas.reporting`.
"""
