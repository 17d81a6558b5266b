"""Clients on Node.js, unmodified, before a worker: the scripts of tests/clients, each of which says
what failed."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from worker import Worker, need

SCRIPTS = Path(__file__).resolve().parents[1] / "clients"
PATIENCE = 300  # Against hanging only.


class NodeTest(unittest.TestCase):
    PACKAGES = "RBEE_NODE_CLIENTS"  # the variable with the folder of node_modules

    @classmethod
    def setUpClass(cls):
        packages = Path(need(cls.PACKAGES)) / "node_modules"
        cls.worker = Worker("--parallel", "4", "--context-size", "2048", "--threads", "1")
        cls.worker.__enter__()
        cls.addClassCleanup(cls.worker.__exit__)
        cls.worker.ready()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        # Modules are sought beside the script that imports them.
        for script in SCRIPTS.glob("*.mjs"):
            shutil.copy(script, cls.folder)
        (cls.folder / "node_modules").symlink_to(packages)

    def run_script(self, name):
        env = {**os.environ, "RBEE_BASE_URL": f"http://127.0.0.1:{self.worker.port}/v1",
               "NODE_NO_WARNINGS": "1"}
        run = subprocess.run(["node", self.folder / name], env=env, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, timeout=PATIENCE, check=False)
        said = run.stdout.decode(errors="replace")
        self.assertEqual(run.returncode, 0, said)
        self.assertRegex(said, r"\bpass [1-9]")


class NodeClientTest(NodeTest):
    def test_the_client_of_openai(self):
        self.run_script("openai.mjs")

    def test_the_ai_sdk(self):
        self.run_script("ai_sdk.mjs")


class LangChainTest(NodeTest):
    PACKAGES = "RBEE_NODE_CLIENTS_EXTRA"

    def test_langchain(self):
        self.run_script("langchain.mjs")


if __name__ == "__main__":
    unittest.main()
