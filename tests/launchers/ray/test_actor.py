"""What an actor does on its node, without Ray: it starts a process, tells its lines and its end."""

import pytest

from limbeck.launchers.ray.actor import RankActor, process_variables, threads


@pytest.mark.processes
def test_lines_are_told_once_and_the_end_comes_with_the_last(tmp_path):
    actor = RankActor()
    # There is no job in the folder, so the process ends by itself before it imports TensorFlow.
    actor.start(str(tmp_path), "", 1, cpus=1, gpus=0, served=False)
    lines, seen, code = [], 0, None
    while code is None:
        look = actor.look(seen, 60.0)
        lines, seen, code = [*lines, *look.lines], look.seen, look.code
    assert code == 1
    assert len(lines) == seen and lines[-1].startswith("FileNotFoundError") and "job.json" in lines[-1]
    assert actor.look(seen, 0.0).lines == ()


def test_a_process_without_gpus_sees_none_and_another_those_that_ray_named():
    inherited = {"CUDA_VISIBLE_DEVICES": "2,3"}
    assert process_variables(inherited, "/f", "", 0)["CUDA_VISIBLE_DEVICES"] == "-1"
    assert process_variables(inherited, "/f", "", 2)["CUDA_VISIBLE_DEVICES"] == "2,3"


def test_its_signs_go_to_the_folder_and_its_events_into_its_output():
    found = process_variables({"TF_CONFIG": "of another cluster"}, "/f", "", 0)
    assert (found["TF_CONFIG"], found["LIMBECK_EVENTS"]) == ("", "/dev/stdout")
    assert (found["LIMBECK_FAILURE"], found["LIMBECK_HEARTBEAT"]) == ("/f/failure-0.json", "/f/heartbeat-0")


def test_it_has_as_many_threads_as_cores_and_more_where_parts_of_a_graph_wait_for_each_other():
    assert threads(2, 4, served=False) == {
        "TF_NUM_INTRAOP_THREADS": "2",
        "TF_NUM_INTEROP_THREADS": "2",
        "OMP_NUM_THREADS": "2",
    }
    assert threads(2, 4, served=True)["TF_NUM_INTEROP_THREADS"] == "4"
