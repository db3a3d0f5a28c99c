"""The share of the book step that living numbers take, and what a reader's browser loads for the abstract.

    python benchmarks/book.py

Needs executed notebooks (`make book`) and, for the weight, Chromium. The share is that of the CPU seconds of one
build in this process that were spent in what the extension has registered: handlers, roles, directives and writers of
nodes. It is measured twice: reading every page, and reading none, as when only a notebook's output moved.
The weight is what Chromium received with an empty cache from a server that compresses text, as static hosts do.
"""

import gzip
import shutil
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from functools import wraps
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

EXTENSION = "trialbook.sphinx."
ROOT = Path(__file__).resolve().parents[1]
COMPRESSED = (".html", ".css", ".js", ".json", ".svg")
PAGE = "book/index.html"


class Clock:
    """The CPU seconds spent in the extension by its modules, each counted once however they call each other."""

    def __init__(self):
        self.seconds, self.running = Counter(), False

    def around(self, function):
        module = getattr(function, "__module__", "")
        if not module.startswith(EXTENSION):
            return function

        @wraps(function)
        def timed(*arguments, **options):
            if self.running:
                return function(*arguments, **options)
            self.running, start = True, time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                self.running = False
                self.seconds[module.removeprefix(EXTENSION)] += time.process_time() - start

        return timed


def watch(clock):
    """Let Sphinx register what the extension brings with a clock around it."""
    from sphinx.application import Sphinx

    connect, add_node = Sphinx.connect, Sphinx.add_node
    add_role, add_directive = Sphinx.add_role, Sphinx.add_directive

    def writers(pair):
        return tuple(part and clock.around(part) for part in pair) if isinstance(pair, tuple) else pair

    def timed_node(app, node, override=False, **by_format):
        return add_node(app, node, override, **{name: writers(pair) for name, pair in by_format.items()})

    def timed_directive(app, name, directive, override=False):
        directive.run = clock.around(directive.run)
        return add_directive(app, name, directive, override)

    Sphinx.connect = lambda app, event, call, priority=500: connect(app, event, clock.around(call), priority)
    Sphinx.add_role = lambda app, name, role, override=False: add_role(app, name, clock.around(role), override)
    Sphinx.add_node, Sphinx.add_directive = timed_node, timed_directive


class _Compressing(SimpleHTTPRequestHandler):
    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return self.send_error(404)
        content, packed = path.read_bytes(), path.suffix in COMPRESSED
        content = gzip.compress(content) if packed else content
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(content)))
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@contextmanager
def served(site):
    """Serve a site as static hosts do, and give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *given: _Compressing(*given, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def transferred(browser, site, page=PAGE):
    """Load a page with an empty cache.

    Returns
    -------
    dict of str to int
        The bytes received for each file, headers included.
    """
    context = browser.new_context()
    with served(site) as address:
        tab = context.new_page()
        session, names, sizes = context.new_cdp_session(tab), {}, Counter()
        session.send("Network.enable")
        session.on("Network.requestWillBeSent", lambda e: names.update({e["requestId"]: e["request"]["url"]}))
        session.on("Network.loadingFinished", lambda e: sizes.update({e["requestId"]: int(e["encodedDataLength"])}))
        tab.goto(f"{address}/{page}")
        tab.wait_for_load_state("networkidle")
        context.close()
    return {names[request].removeprefix(address): size for request, size in sizes.items()}


def main():
    from trialbook.project import Project
    from trialbook.workflow import book

    clock = Clock()
    watch(clock)
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder, "html")
        for pages in ("all pages read", "no page read"):
            clock.seconds.clear()
            start = time.process_time()
            book.build(Project.find(ROOT), site)
            whole, own = time.process_time() - start, sum(clock.seconds.values())
            parts = ", ".join(f"{room} {seconds:.2f} s" for room, seconds in sorted(clock.seconds.items()))
            print(
                f"{pages}: {whole:.1f} s, of which {own:.2f} s ({own / (whole - own):.1%} on top): {parts}", flush=True
            )
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        if chromium is None:
            print("the weight was not measured: no Chromium here")
            return
        from playwright.sync_api import sync_playwright

        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            sizes = transferred(browser, site)
            browser.close()
        print(f"{PAGE}: {sum(sizes.values()) / 1000:.0f} kB in {len(sizes)} files")
        for name, size in sorted(sizes.items(), key=lambda item: -item[1])[:6]:
            print(f"  {size / 1000:6.1f} kB  {name.partition('?')[0]}")


if __name__ == "__main__":
    main()
