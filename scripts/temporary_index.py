"""An index in a home of its own that goes when it is left; models are taken from KINGLET_HOME. Used by bench-typed.py, bench-definitions.py and
bench-snippets.py."""

import json
import os
import pathlib
import subprocess
import tempfile

EMBEDDER = "all-minilm-l6-v2"


class TemporaryIndex:
    """The index of a folder."""

    def __init__(self, kinglet, folder):
        self.kinglet, self.folder = kinglet, folder

    def __enter__(self):
        models = pathlib.Path(os.environ["KINGLET_HOME"]).resolve() / "models"
        self.home = tempfile.TemporaryDirectory()
        (pathlib.Path(self.home.name) / "models").symlink_to(models)
        self.environment = {**os.environ, "KINGLET_HOME": self.home.name}
        command = [self.kinglet, "index", str(self.folder), "--index", "measured", "--embedder", EMBEDDER]
        try:
            subprocess.run(command, env=self.environment, check=True, stdout=subprocess.DEVNULL)
        except BaseException:
            self.home.cleanup()
            raise
        return self

    def __exit__(self, *_):
        self.home.cleanup()

    def search(self, typed, hits, *flags):
        """The hits of what is typed, the best first. A search that finds nothing ends with 1."""
        command = [self.kinglet, "search", "--index", "measured", "--json", "-n", str(hits), *flags, "--", typed]
        ran = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE)
        if ran.returncode not in (0, 1):
            ran.check_returncode()
        return json.loads(ran.stdout)["hits"]

    def text(self, path):
        """The text of a file of the folder, as it is indexed."""
        command = [self.kinglet, "inspect", "--text", str(self.folder / path)]
        return subprocess.run(command, env=self.environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def path_in(folder, place):
    """The path of a hit, or of one of its duplicates, below the indexed folder."""
    return pathlib.Path(place["path"]).resolve().relative_to(folder.resolve()).as_posix()
