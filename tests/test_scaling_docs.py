"""The files that docs/scaling.md shows: they run as far as one machine can."""

import os
import re
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from asymnas.core.config import StudyConfig
from asymnas.core.declarations import options_of

ROOT = Path(__file__).parents[1]
CLUSTERS = ROOT / "docs" / "clusters"

STUB = """#!/bin/sh
# In place of Slurm's: the command runs here.
while [ "${1#--}" != "$1" ]; do shift; done
exec "$@"
"""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "module"), [("on_dask.py", "distributed"), ("slurm_jobs.py", "submitit")]
)
def test_the_search_of_an_example_finishes(name: str, module: str, tmp_path: Path) -> None:
    if find_spec(module) is None:
        pytest.skip(f"needs pip install {module}")
    command = [sys.executable, str(CLUSTERS / name)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "complete" in done.stdout
    assert (tmp_path / "runs" / "digits" / "report.html").is_file()


@pytest.mark.slow
def test_the_slurm_script_runs_a_search_on_a_ray_cluster(tmp_path: Path) -> None:
    if find_spec("ray") is None:
        pytest.skip("needs pip install 'asymnas[ray]'")
    (tmp_path / "bin").mkdir()
    for name, text in (("srun", STUB), ("scontrol", "#!/bin/sh\necho 127.0.0.1\n")):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    path = [str(tmp_path / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    slurm = {"SLURM_JOB_NODELIST": "a", "SLURM_JOB_NUM_NODES": "1", "SLURM_CPUS_PER_TASK": "1"}
    slurm |= {"HOME": str(tmp_path), "RAY_PORT": str(port)}  # no token of the user's is used
    options = ["--trials", "2", "--budget", "4k", "--examples", "2k", "--run-dir", "run"]
    options += ["--device", "cpu"]
    done = subprocess.run(
        ["bash", str(CLUSTERS / "ray.sbatch"), *options],
        cwd=tmp_path,
        env={**environment(), **slurm, "PATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "report.html").is_file()


def test_the_manifest_names_options_that_there_are_and_one_version_of_ray() -> None:
    text = (CLUSTERS / "rayjob.yaml").read_text()
    job, claim = yaml.safe_load_all(text)
    entry = job["spec"]["entrypoint"].split()
    assert entry[:3] == ["python", "-m", "asymnas.search"]
    given = dict(zip(entry[3::2], entry[4::2], strict=True))
    known = {option.flag: name for name, option in options_of(StudyConfig).items()}
    config = StudyConfig(**{known[flag]: value for flag, value in given.items()})
    cluster = job["spec"]["rayClusterSpec"]
    assert set(re.findall(r"ray:(\d+\.\d+\.\d+)", text)) == {cluster["rayVersion"]}
    (group,) = cluster["workerGroupSpecs"]
    (worker,) = group["template"]["spec"]["containers"]
    assert config.workers == group["replicas"] / (config.gpus_per_trial or 1)
    assert int(worker["resources"]["limits"]["cpu"]) * (config.gpus_per_trial or 1) >= 1
    head = cluster["headGroupSpec"]["template"]["spec"]
    assert head["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    mounted = head["containers"][0]["volumeMounts"][0]["mountPath"]
    assert config.run_dir.startswith(mounted + "/")
