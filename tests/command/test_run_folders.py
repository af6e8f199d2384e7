from mnist_mlp.command.run_folders import folders_made_by, new_folder, remove_unless_saved


def test_a_folder_without_checkpoint_goes_with_its_empty_parents(tmp_path):
    made = folders_made_by(tmp_path / "outputs/day/run")
    (tmp_path / "outputs/day/run/.hydra").mkdir(parents=True)
    remove_unless_saved(made)
    assert list(tmp_path.iterdir()) == []


def test_parents_with_other_runs_stay(tmp_path):
    made = folders_made_by(tmp_path / "outputs/day/run")
    for run in ("run", "other"):
        (tmp_path / "outputs/day" / run).mkdir(parents=True)
    remove_unless_saved(made)
    assert [path.name for path in (tmp_path / "outputs/day").iterdir()] == ["other"]


def test_a_folder_with_a_checkpoint_stays(tmp_path):
    made = folders_made_by(tmp_path / "run")
    (tmp_path / "run/0/checkpoints").mkdir(parents=True)
    (tmp_path / "run/0/checkpoints/best.ckpt").touch()
    remove_unless_saved(made)
    assert (tmp_path / "run/0/checkpoints/best.ckpt").exists()


def test_a_folder_that_was_there_before_is_never_removed(tmp_path):
    (tmp_path / "mine").mkdir()
    remove_unless_saved(folders_made_by(tmp_path / "mine"))
    assert (tmp_path / "mine").is_dir()


def test_runs_of_one_second_have_folders_of_their_own(tmp_path):
    folders = [new_folder(tmp_path / "outputs/day/run") for _ in range(3)]
    assert [folder.name for folder in folders] == ["run", "run-2", "run-3"]
    assert all(folder.is_dir() for folder in folders)
