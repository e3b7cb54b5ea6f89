"""The command: records and runs to files."""

import pytest

pytest.importorskip("matplotlib", reason='figures need the extra "plot"')

from hf_ecg.plotting.__main__ import main
from tests.plotting.made import write_log


def test_command_draws_real_records(ptb_xl_dir, shared_data_dir, tmp_path, capsys):
    record, mitdb = ptb_xl_dir / "records100" / "00000" / "00001_lr.hea", shared_data_dir / "mitdb" / "100.hea"
    main([str(record), "--output", str(tmp_path / "ecg.svg"), "--leads", "II, V1", "--start", "2", "--seconds", "3"])
    assert b'id="trace-V1"' in (tmp_path / "ecg.svg").read_bytes()
    main([str(record), str(mitdb), "--output", str(tmp_path / "many"), "--width", "60"])
    assert sorted(path.name for path in (tmp_path / "many").iterdir()) == ["00001_lr.png", "100.png"]
    assert str(tmp_path / "many" / "100.png") in capsys.readouterr().out


def test_command_draws_training(tmp_path):
    folder = write_log(tmp_path / "run")
    main([str(folder), str(folder / "log.jsonl"), "--output", str(tmp_path / "curves.svg"), "--metric", "other"])
    assert (tmp_path / "curves.svg").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.hea", "--output", "a.png"], "none.hea is not there"),
        (["none.hea", "--output", "a.gif"], "ends in 'gif'"),
        (["a.hea", "b.hea", "--output", "a.png"], "wanted a folder: there are 2 records"),
        (["x/a.hea", "y/a.hea", "--output", "many"], "two records would be written to"),
        (["a.hea", "log.jsonl", "--output", "a.png"], "wanted one kind"),
        (["log.jsonl", "--leads", "II", "--output", "a.png"], "--leads is for records"),
        (["a.hea", "--metric", "loss", "--output", "a.png"], "--metric is for training logs"),
    ],
)
def test_command_errors(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 1
    assert message in capsys.readouterr().err
