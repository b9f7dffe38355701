from __future__ import annotations

import asyncio

import nbformat
import pytest
from IPython.core.displaypub import CapturingDisplayPublisher

from mlmagic.api.job import Job
from mlmagic.backends.memory import MemoryBackend
from mlmagic.magics.live import _Drawn, _Panel
from mlmagic.testing.backends import FOREVER, submit, wait_for, wait_for_text

WAIT_FOR = """%%train taxi {flags}
import pathlib, time
print('started', flush=True)
while not pathlib.Path('go').exists():
    time.sleep(0.02)
print('done')
"""
HTML = "text/html"


@pytest.fixture
def memory_job():
    backend = MemoryBackend()
    job_id = submit(backend, FOREVER).id
    wait_for_text(backend, job_id, "begun")
    return Job(id=job_id, backend=backend)


def updates_until(kernel, word):
    while True:
        content = kernel.next_message("update_display_data")
        if word in content["data"][HTML]:
            return content


def test_a_panel_keeps_up_with_its_job(kernel, folder):
    shown = kernel.run(WAIT_FOR.format(flags="")).of("display_data")
    assert len(shown) == 1
    assert shown[0]["data"]["application/vnd.mlmagic.job+json"]["record"]["spec"]["displayName"] == "taxi"
    (folder / "go").touch()
    last = updates_until(kernel, "SUCCEEDED")
    assert last["transient"] == shown[0]["transient"]
    assert "done" in last["data"][HTML]


def test_a_panel_is_live_while_the_kernel_is_busy(kernel, folder):
    display_id = kernel.run(WAIT_FOR.format(flags="")).of("display_data")[0]["transient"]["display_id"]
    busy = "import pathlib, time\npathlib.Path('go').touch()\n{}\nprint('over')"
    ended = "import threading\nwhile {}: time.sleep(0.02)".format(
        "any(t.name == 'mlmagic-panels' for t in threading.enumerate())"
    )
    output = kernel.run(busy.format(ended))
    drawn = output.of("update_display_data")
    assert drawn
    assert {content["transient"]["display_id"] for content in drawn} == {display_id}
    assert "SUCCEEDED" in drawn[-1]["data"][HTML]
    assert [content["text"] for content in output.of("stream")] == ["over\n"]


@pytest.mark.parametrize(
    ("record", "log", "seconds", "is_worth_it"),
    [
        ("r2", "a", 0, True),
        ("r1", "ab", 0.5, False),
        ("r1", "ab", 1, True),
        ("r1", "a", 4, False),
        ("r1", "a", 5, True),
    ],
)
def test_a_panel_is_redrawn_no_more_often_than_it_is_worth(record, log, seconds, is_worth_it):
    assert _Drawn(record, log, 100 + seconds).is_worth_drawing(_Drawn("r1", "a", 100)) is is_worth_it


def test_python_spelling_shows_the_live_panel_too(kernel):
    assert kernel.run("import mlmagic\njob = mlmagic.train('taxi', source='print(1)')").text == ""
    output = kernel.run("job")
    assert output.of("display_data")[0]["transient"]["display_id"]
    assert not output.of("execute_result")
    assert kernel.run("job is _").status == "ok"


def test_a_waiting_cell_holds_the_final_state_and_one_panel(kernel):
    output = kernel.run("%%train taxi --wait --into job\nprint('hello')\n")
    assert output.status == "ok"
    assert len(output.of("display_data")) == 1
    assert "SUCCEEDED" in output.of("update_display_data")[-1]["data"][HTML]
    assert not output.of("execute_result")
    assert len(kernel.run("job").of("display_data")) == 1


def test_a_watched_list_keeps_up_until_nothing_runs(kernel, folder):
    kernel.run(WAIT_FOR.format(flags=""))
    kernel.client.execute("%jobs watch")
    first = kernel.next_message("display_data")
    (folder / "go").touch()
    # The job's own panel is redrawn too.
    last = updates_until(kernel, "SUCCEEDED")
    while last["transient"] != first["transient"]:
        last = updates_until(kernel, "SUCCEEDED")
    assert "RUNNING" in first["data"][HTML] or "QUEUED" in first["data"][HTML]
    assert last["data"]["application/vnd.mlmagic.jobs+json"]["jobs"][0]["state"] == "SUCCEEDED"


def test_a_failed_wait_is_an_error_output(kernel):
    output = kernel.run("%%train taxi --wait\n1/0\n")
    assert output.status == "error"
    assert "FAILED" in output.of("update_display_data")[-1]["data"][HTML]
    assert "Cell [2], line 2" in output.text
    assert len(output.of("error")[0]["traceback"]) == 1


def test_an_interrupt_detaches(kernel, folder):
    code = WAIT_FOR.format(flags="--wait --into job")
    kernel.client.execute(code)
    updates_until(kernel, "started")
    kernel.manager.interrupt_kernel()
    told = kernel.next_message("stream")["text"]
    assert "Detached" in told
    assert "goes on" in told
    (folder / "go").touch()
    updates_until(kernel, "SUCCEEDED")
    assert "SUCCEEDED" in kernel.run("print(job.wait().state)").text


def test_a_kernel_ends_though_its_job_goes_on(kernel, folder):
    kernel.run(WAIT_FOR.format(flags=""))
    kernel.client.shutdown()
    process = kernel.manager.provisioner
    assert asyncio.run(process.wait()) == 0
    (folder / "go").touch()


def test_a_saved_notebook_holds_the_end_of_the_job(workspace):
    from nbclient import NotebookClient

    cells = ["%load_ext mlmagic", "%%train taxi --wait\nprint('hello')\n", "%jobs"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(workspace.parent)}}).execute()
    (panel,) = notebook.cells[1].outputs
    assert "SUCCEEDED" in panel["data"][HTML]
    assert notebook.cells[2].outputs[0]["data"]["application/vnd.mlmagic.jobs+json"]["jobs"][0]["state"] == "SUCCEEDED"


def test_usage_is_read_no_more_often_than_the_clock_is_drawn(memory_job):
    clock, read = [100.0], []
    usage = memory_job.backend.usage
    memory_job.backend.usage = lambda job_id: read.append(job_id) or usage(job_id)
    panel = _Panel(memory_job, CapturingDisplayPublisher(), clock=lambda: clock[0])
    for time in (100, 101, 104, 105, 106):
        clock[0] = time
        memory_job.backend._jobs[memory_job.id].log += b"more\n"
        panel.draw()
    assert len(read) == 2
    memory_job.cancel()
    wait_for(memory_job.backend, memory_job.id)
    panel.draw()
    assert (len(read), panel.is_final) == (3, True)
