"""A Hugging Face Hub on 127.0.0.1: repositories with commits, a store of large files, and failures on demand.

It keeps what it is sent. A commit is whole or absent: the new tree is made beside the old one and appended at the end.
Contents of large files are addressed by their SHA-256, checked on arrival, and asked for only when they are missing.
"""

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlparse

LARGE = (".safetensors", ".parquet", ".bin", ".png")


class Refused(Exception):
    def __init__(self, status: int, message: str, code: str | None = None, commit: str | None = None):
        super().__init__(message)
        self.status, self.code, self.commit = status, code, commit


@dataclass
class Commit:
    oid: str
    title: str
    files: dict[str, bytes]


@dataclass
class Repository:
    private: bool
    branches: dict[str, list[Commit]] = field(default_factory=dict)

    def find(self, revision: str) -> Commit:
        if revision in self.branches:
            return self.branches[revision][-1]
        for commits in self.branches.values():
            for commit in commits:
                if commit.oid == revision:
                    return commit
        raise Refused(404, f"no revision {revision}", "RevisionNotFound")


@dataclass
class Failure:
    """What goes wrong with the next `times` requests that `pattern` matches ("PUT /lfs/").

    `status`: answer it and do nothing. `cut`: close the connection, "before" or "after" the work was done.
    """

    pattern: str
    times: int = 1
    status: int | None = None
    cut: str | None = None


class LoopbackHub:
    """Use as a context; `calls` holds (method, path, bytes received)."""

    def __init__(self):
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.large: dict[str, bytes] = {}
        self.calls: list[tuple[str, str, int]] = []
        self.failures: list[Failure] = []
        self.lock = threading.Lock()

    def __enter__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def fail(self, pattern: str, times: int = 1, status: int | None = None, cut: str | None = None) -> None:
        self.failures.append(Failure(pattern, times, status, cut))

    def count(self, pattern: str) -> int:
        return sum(re.search(pattern, f"{method} {path}") is not None for method, path, _ in self.calls)

    def commits(self, repo_id: str, repo_type: str = "models", branch: str = "main") -> list[Commit]:
        return self.repositories[repo_type, repo_id].branches[branch]

    def files(self, repo_id: str, repo_type: str = "models", branch: str = "main") -> dict[str, bytes]:
        return self.commits(repo_id, repo_type, branch)[-1].files

    def next_failure(self, request: str) -> Failure | None:
        with self.lock:
            for failure in self.failures:
                if failure.times and re.search(failure.pattern, request):
                    failure.times -= 1
                    return failure
        return None

    def append(self, repository: Repository, branch: str, title: str, files: dict[str, bytes]) -> Commit:
        commits = repository.branches.setdefault(branch, [])
        parent = commits[-1].oid if commits else ""
        tree = sorted((path, _blob(content)) for path, content in files.items())
        oid = hashlib.sha1(json.dumps([parent, title, tree]).encode()).hexdigest()
        commits.append(Commit(oid, title, files))
        return commits[-1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: LoopbackHub

    def log_message(self, *_):
        pass

    def handle_request(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline().strip() or b"0", 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        url = urlparse(self.path)
        path, self.query = unquote(url.path), parse_qs(url.query)
        self.hub.calls.append((self.command, path, len(body)))
        failure = self.hub.next_failure(f"{self.command} {path}")
        if failure and failure.status:
            return self.answer(failure.status, {"error": "failing on demand"})
        if failure and failure.cut == "before":
            return self.cut()
        try:
            with self.hub.lock:
                answer = self.route(path, body)
        except Refused as error:
            headers = {"X-Error-Code": error.code or "", "X-Error-Message": str(error)}
            if error.commit:
                headers["X-Repo-Commit"] = error.commit
            answer = (error.status, {"error": str(error)}, headers)
        if failure and failure.cut == "after":
            return self.cut()
        return self.answer(*answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_request

    def cut(self):
        self.close_connection = True
        self.connection.close()

    def answer(self, status: int, body=b"", headers: dict | None = None):
        kind = "application/octet-stream"
        if not isinstance(body, bytes):
            body, kind = json.dumps(body).encode(), "application/json"
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def route(self, path: str, body: bytes) -> tuple:
        if path == "/api/whoami-v2":
            return 200, {"name": "me", "type": "user", "orgs": [], "auth": {"accessToken": {"role": "write"}}}
        if path == "/api/repos/create":
            return self.create(json.loads(body))
        if path == "/api/validate-yaml":
            return self.validate(json.loads(body)["content"])
        if path.startswith("/lfs/"):
            oid = path.removeprefix("/lfs/")
            if hashlib.sha256(body).hexdigest() != oid:
                raise Refused(400, f"the content is not {oid}")
            self.hub.large[oid] = body
            return 200, {}
        if path.endswith(".git/info/lfs/objects/batch"):
            return self.batch(json.loads(body)["objects"])
        if match := re.fullmatch(r"/api/(models|datasets|spaces)/([^/]+/[^/]+)(?:/(.*))?", path):
            kind, repo_id, rest = match.groups()
            return self.api(kind, repo_id, (rest or "").split("/"), body)
        if match := re.fullmatch(r"/(datasets/|spaces/)?([^/]+/[^/]+)/resolve/([^/]+)/(.*)", path):
            repository = self.repository((match[1] or "models").rstrip("/"), match[2])
            return self.resolve(repository.find(match[3]), match[4])
        raise Refused(404, f"no route {path}")

    def repository(self, kind: str, repo_id: str) -> Repository:
        if (kind, repo_id) not in self.hub.repositories:
            raise Refused(404, f"no repository {repo_id}", "RepoNotFound")
        return self.hub.repositories[kind, repo_id]

    def create(self, wanted: dict) -> tuple:
        kind, repo_id = wanted.get("type", "model") + "s", f"{wanted.get('organization') or 'me'}/{wanted['name']}"
        url = f"{self.hub.url}/{'' if kind == 'models' else f'{kind}/'}{repo_id}"
        if (kind, repo_id) in self.hub.repositories:
            return 409, {"error": "You already created this repo", "url": url}
        repository = Repository(bool(wanted.get("private") or wanted.get("visibility") == "private"))
        self.hub.repositories[kind, repo_id] = repository
        self.hub.append(repository, "main", "initial commit", {".gitattributes": b"*.safetensors filter=lfs\n"})
        return 200, {"url": url, "id": repo_id, "name": repo_id}

    def validate(self, content: str) -> tuple:
        import yaml

        match = re.match(r"---\n(.*?)\n---\n", content, re.DOTALL)
        front = yaml.safe_load(match[1]) if match else None
        if match and not isinstance(front, dict):
            return 400, {"errors": [{"message": "metadata is not a mapping"}], "warnings": []}
        if isinstance(front, dict) and front.get("model-index") and "name" not in front["model-index"][0]:
            return 400, {"errors": [{"message": '"model-index[0].name" is required'}], "warnings": []}
        return 200, {"errors": [], "warnings": []}

    def batch(self, objects: list[dict]) -> tuple:
        answers = []
        for entry in objects:
            upload = {"upload": {"href": f"{self.hub.url}/lfs/{entry['oid']}", "header": {}}}
            answers.append(entry if entry["oid"] in self.hub.large else {**entry, "actions": upload})
        return 200, {"transfer": "basic", "objects": answers}

    def api(self, kind: str, repo_id: str, rest: list[str], body: bytes) -> tuple:
        repository, verb = self.repository(kind, repo_id), rest[0]
        revision = rest[1] if len(rest) > 1 else "main"
        if verb == "branch":
            if revision in repository.branches:
                return 409, {"error": "Reference already exists"}
            repository.branches[revision] = list(repository.branches["main"])
            return 200, {}
        if verb == "refs":
            return 200, {
                "branches": [
                    {"name": name, "ref": f"refs/heads/{name}", "targetCommit": commits[-1].oid}
                    for name, commits in repository.branches.items()
                ],
                "converts": [],
                "tags": [],
            }
        commit = repository.find(revision)
        if verb == "preupload":
            return 200, {"files": [_upload_mode(entry["path"], commit) for entry in json.loads(body)["files"]]}
        if verb == "commit":
            page = f"{self.hub.url}/{'' if kind == 'models' else f'{kind}/'}{repo_id}"
            return self.commit(repository, revision, [json.loads(line) for line in body.splitlines()], page)
        if verb == "tree":
            return 200, _tree(commit, "/".join(rest[2:]), self.query.get("recursive", ["false"])[0].lower() == "true")
        if verb == "paths-info":
            wanted = json.loads(body)["paths"]
            folders = {path.rpartition("/")[0] for path in commit.files}
            found = [_entry(path, commit.files[path]) for path in wanted if path in commit.files]
            return 200, found + [_folder(path) for path in wanted if path in folders and path]
        if verb in ("", "revision"):
            siblings = [{"rfilename": path} for path in sorted(commit.files)]
            facts = {"id": repo_id, "_id": "0" * 24, "sha": commit.oid, "private": repository.private}
            return 200, facts | {"disabled": False, "gated": False, "tags": [], "siblings": siblings, "cardData": {}}
        raise Refused(404, f"no route {rest}")

    def commit(self, repository: Repository, branch: str, lines: list[dict], page: str) -> tuple:
        header = next(line["value"] for line in lines if line["key"] == "header")
        before = repository.find(branch)
        if header.get("parentCommit") not in (None, before.oid):
            raise Refused(412, "the branch has moved on")
        files = dict(before.files)
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                if value["oid"] not in self.hub.large:
                    raise Refused(400, f"the content of {value['path']} was never uploaded")
                files[value["path"]] = self.hub.large[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
            elif line["key"] == "deletedFolder":
                files = {path: content for path, content in files.items() if not path.startswith(value["path"])}
        commit = self.hub.append(repository, branch, header["summary"], files)
        url = f"{page}/commit/{commit.oid}"
        return 200, {"commitUrl": url, "commitOid": commit.oid, "pullRequestUrl": None, "success": True}

    def resolve(self, commit: Commit, path: str) -> tuple:
        if path not in commit.files:
            raise Refused(404, "Entry not found", "EntryNotFound", commit.oid)
        content = commit.files[path]
        headers = {"ETag": f'"{_oid(path, content)}"', "X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
        if match := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or ""):
            start, end = int(match[1]), min(int(match[2] or len(content) - 1), len(content) - 1)
            return 206, content[start : end + 1], headers | {"Content-Range": f"bytes {start}-{end}/{len(content)}"}
        return 200, content, headers


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _oid(path: str, content: bytes) -> str:
    return hashlib.sha256(content).hexdigest() if path.endswith(LARGE) else _blob(content)


def _upload_mode(path: str, commit: Commit) -> dict:
    oid = _oid(path, commit.files[path]) if path in commit.files else None
    return {
        "path": path,
        "uploadMode": "lfs" if path.endswith(LARGE) else "regular",
        "shouldIgnore": False,
        "oid": oid,
    }


def _entry(path: str, content: bytes) -> dict:
    entry = {"type": "file", "path": path, "oid": _blob(content), "size": len(content)}
    if path.endswith(LARGE):
        entry["lfs"] = {"oid": _oid(path, content), "size": len(content), "pointerSize": 134}
    return entry


def _folder(path: str) -> dict:
    return {"type": "directory", "path": path, "oid": "0" * 40, "size": 0}


def _tree(commit: Commit, root: str, recursive: bool) -> list[dict]:
    prefix = f"{root}/" if root else ""
    under = {path: content for path, content in commit.files.items() if path.startswith(prefix)}
    if root and not under:
        raise Refused(404, f"no folder {root}", "EntryNotFound", commit.oid)
    depth = prefix.count("/")
    files = [_entry(path, content) for path, content in under.items() if recursive or path.count("/") == depth]
    folders = {"/".join(path.split("/")[: depth + 1]) for path in under if path.count("/") > depth}
    return files + [_folder(path) for path in sorted(folders)]
