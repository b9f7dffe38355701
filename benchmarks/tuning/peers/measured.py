"""A search, and what it took beside the trials themselves."""

import json
import sys
import time

from tasks import TASKS


class Objective:
    """A function that remembers its values, and the CPU time that it took."""

    def __init__(self, function):
        self._function = function
        self.values = []
        self.cpu = 0.0

    def __call__(self, parameters):
        started = time.process_time()
        self.values.append(self._function(**parameters))
        self.cpu += time.process_time() - started
        return self.values[-1]


def measure(search):
    """Run `search(objective, space, seed, trials)` for each seed that the command line names, and print what it found.

    The command line is TASK TRIALS SEED…; `objective` takes a dict of the parameters that apply. A line for each seed
    has the best value after each trial, and the seconds of CPU that the search itself took.
    """
    task, trials, *seeds = sys.argv[1:]
    function, space, _ = TASKS[task]
    for seed in map(int, seeds):
        objective, started = Objective(function), time.process_time()
        search(objective, space, seed, int(trials))
        cpu = time.process_time() - started - objective.cpu
        bests = [min(objective.values[: count + 1]) for count in range(len(objective.values))]
        print(json.dumps({"seed": seed, "bests": bests, "cpu": cpu}), flush=True)


def applies(when, parameters):
    return when is None or parameters.get(when[0]) in when[1]
