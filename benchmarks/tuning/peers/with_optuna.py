"""Optuna with a process for each trial, two at a time: `python with_optuna.py TRIALS`."""

import json
import subprocess
import sys

import optuna

PROGRAM = "import json, sys; from trial import train; print(json.dumps(train(**json.loads(sys.argv[1]))))"


def objective(trial: optuna.Trial) -> float:
    parameters = {
        "units": trial.suggest_int("units", 8, 128),
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
        "activation": trial.suggest_categorical("activation", ["relu", "tanh"]),
    }
    command = [sys.executable, "-c", PROGRAM, json.dumps(parameters)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])["val_loss"]


study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1))
study.optimize(objective, n_trials=int(sys.argv[1]), n_jobs=2)
print(len(study.trials), study.best_value)
