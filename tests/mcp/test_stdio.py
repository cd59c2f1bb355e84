"""The server as a process, over standard input and output."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

mcp = pytest.importorskip("mcp")

HELLO = [
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
]
ASKED = {
    "jsonrpc": "2.0",
    "id": 2,
    "method": "tools/call",
    "params": {"name": "recommend", "arguments": {"path": "iris"}},
}


def command(place: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "metalearn", "mcp", "--folder", str(place), "--state", str(place / "state"), *options]


def client(place: Path, *options: str) -> Any:
    program, *arguments = command(place, *options)
    return mcp.Client(
        mcp.stdio_client(mcp.StdioServerParameters(command=program, args=arguments, env=dict(os.environ)))
    )


def test_the_official_client_gets_a_recommendation(tmp_path: Path) -> None:
    async def conversation() -> None:
        async with client(tmp_path) as asked:
            assert {tool.name for tool in (await asked.list_tools()).tools} >= {"recommend", "ask"}
            found = await asked.call_tool("recommend", {"path": "iris", "n": 2})
            assert not found.is_error
            assert len(found.structured_content["candidates"]) == 2
            refused = await asked.call_tool("recommend", {"path": "/etc/passwd", "target": "x"})
            assert refused.is_error

    asyncio.run(conversation())


def test_two_sessions_use_one_advisor_at_the_same_time(tmp_path: Path) -> None:
    async def conversation() -> None:
        async with client(tmp_path) as one, client(tmp_path) as other:
            begun = await one.call_tool("start", {"path": "iris", "families": ["knn", "linear"]})
            advisor = begun.structured_content["advisor"]

            async def worked(session: Any, score: float) -> str:
                asked = await session.call_tool("ask", {"advisor": advisor})
                tried: str = asked.structured_content["suggestions"][0]["id"]
                await session.call_tool("tell", {"advisor": advisor, "configuration": tried, "score": score})
                return tried

            tried = set()
            for score in (0.7, 0.8):
                tried |= set(await asyncio.gather(worked(one, score), worked(other, score)))
            done = await one.call_tool("finish", {"advisor": advisor})
            assert {result["id"] for result in done.structured_content["results"]} == tried
            told = await other.call_tool("tell", {"advisor": advisor, "model": "knn", "score": 0.5})
            assert "is finished" in told.content[0].text

    asyncio.run(conversation())


def test_two_servers_asked_at_the_same_moment_suggest_different_configurations(tmp_path: Path) -> None:
    async def conversation() -> None:
        async with client(tmp_path) as one, client(tmp_path) as other:
            begun = await one.call_tool("start", {"path": "iris", "families": ["knn", "linear"]})
            advisor = begun.structured_content["advisor"]
            asked = [session.call_tool("ask", {"advisor": advisor}) for _ in range(6) for session in (one, other)]
            found = [a.structured_content["suggestions"][0]["id"] for a in await asyncio.gather(*asked)]
            assert len(set(found)) == 12

    asyncio.run(conversation())


@pytest.mark.parametrize("answered", [True, False], ids=["between calls", "during a call"])
def test_the_server_ends_when_its_client_disappears(tmp_path: Path, answered: bool) -> None:  # noqa: FBT001
    with subprocess.Popen(
        command(tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as server:
        for message in [*HELLO, ASKED]:
            server.stdin.write(json.dumps(message).encode() + b"\n")
        server.stdin.flush()
        assert json.loads(server.stdout.readline())["id"] == 1
        if answered:
            assert json.loads(server.stdout.readline())["id"] == 2
        server.stdin.close()
        server.stdout.close()
        said = server.stderr.read().decode()
        assert server.wait() is not None
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_search_ends_with_its_client(tmp_path: Path) -> None:
    asked = {"name": "tune", "arguments": {"path": "digits", "trials": 500, "time_budget": 600}}
    with subprocess.Popen(
        command(tmp_path, "--allow-tune"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        for message in [*HELLO, {**ASKED, "params": asked}]:
            server.stdin.write(json.dumps(message).encode() + b"\n")
        server.stdin.flush()
        server.stdout.readline()
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
        while not (search := children.read_text(encoding="utf-8").split()):
            pass
        server.stdin.close()
        server.stdout.close()
        server.wait(timeout=60)
    assert not Path(f"/proc/{search[0]}").exists()


def test_what_is_no_message_harms_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        command(tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        for line in (b"hello\n", b'{"jsonrpc": "2.0"}\n', b"\xff\xfe\x00\n"):
            server.stdin.write(line)
        for message in [*HELLO, ASKED]:
            server.stdin.write(json.dumps(message).encode() + b"\n")
        server.stdin.flush()
        found = []
        while 2 not in found:
            found.append(json.loads(server.stdout.readline()).get("id"))
        server.send_signal(signal.SIGTERM)
        server.stdin.close()


def test_wrong_options_end_with_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        command(tmp_path / "absent"), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 2
    assert "Correct --folder" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_the_inspector_calls_a_tool(tmp_path: Path) -> None:
    if shutil.which("npx") is None:
        pytest.skip("Node.js is not installed.")
    words = ["npx", "--yes", "@modelcontextprotocol/inspector", "--cli", *command(tmp_path)]
    asked = ["--method", "tools/call", "--tool-name", "recommend", "--tool-arg", "path=iris", "--tool-arg", "n=2"]
    done = subprocess.run([*words, *asked], capture_output=True, text=True, check=False, cwd=tmp_path)
    if "npm error" in done.stderr:
        pytest.skip("The npm registry cannot be reached.")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["structuredContent"]["schema"] == "recommend-compact/1"
    assert len(found["structuredContent"]["candidates"]) == 2
