"""What a trial table says, one file a question: pure functions on pandas tables.

Import from the modules (`from asymnas.analysis.front import front`): a function re-exported here
would hide the module of its own name.
"""
