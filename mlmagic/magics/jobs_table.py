"""What `%jobs` takes."""

from __future__ import annotations

from mlmagic.magics.job_options import CHANGES, INTO, WAIT
from mlmagic.magics.tables import Argument, Command, Kind, Magic, Option

_JOB = Argument(
    name="job",
    metavar="JOB",
    help="an id, the beginning of one, or a name: its newest job; taxi/7 is trial 7 of taxi",
)
_JOBS = Argument(
    name="jobs",
    metavar="JOB",
    is_required=False,
    is_repeatable=True,
    help="ids, beginnings of ids, or names: of a name its newest job",
)
_FILTER = Option(
    name="filter",
    metavar="EXPR",
    kind=Kind.FILTER,
    help="only jobs that pass, in gcloud's filter language: state=FAILED, displayName:ta*, labels.owner=$user",
)
_LIMIT = Option(name="limit", metavar="N", kind=Kind.COUNT, default=50, help="how many at most")
_ALL = Option(name="all", help="all of them, whatever --limit says, and those of others in the project of Google Cloud")
_TRIALS = Option(name="trials", help="with the trials of studies, which are left out otherwise")
_SORT = Option(
    name="sort-by", metavar="KEYS", kind=Kind.TEXT, help="keys with commas between them; ~KEY has the highest first"
)

_LIST = Command(
    summary="list jobs, newest first",
    options=(_FILTER, _SORT, _LIMIT, _ALL, _TRIALS),
    examples=(
        ("%jobs", "the newest jobs"),
        ('%jobs --filter "state=FAILED createTime>-P1D"', "those of the last day that failed"),
        ('%jobs --filter "displayName=taxi AND flags.epochs>5"', "those called taxi that trained longer"),
        ("%jobs --sort-by ~metrics.accuracy --limit 5", "the five best"),
        ("%jobs --trials --limit 10", "the newest jobs, trials of studies among them"),
    ),
)
_DESCRIBE = Command(
    summary="show a job, live while it goes on: state, progress, usage, the end of its log, what went wrong",
    arguments=(_JOB,),
    examples=(
        ("%jobs describe taxi", "the newest job called taxi"),
        ("%jobs describe taxi-2026", "the one whose id begins so"),
    ),
)
_LOGS = Command(
    summary="show what a job's program printed",
    arguments=(_JOB,),
    examples=(
        ("%jobs logs taxi", "all that the newest job called taxi has printed so far"),
        ("%jobs logs taxi -f --tail 20", "its last 20 lines, and what follows"),
        ("%jobs logs taxi -f --role all", "what all its replicas print, each line after its replica's name"),
        ("%jobs logs taxi --role worker-1 --grep 'loss|Error'", "lines of one worker"),
    ),
    options=(
        Option(name="follow", short="f", help="go on until the job has ended; an interrupt ends only the following"),
        Option(name="tail", metavar="N", kind=Kind.COUNT, help="only the last N lines, of each replica"),
        Option(
            name="role",
            metavar="ROLE",
            kind=Kind.TEXT,
            help="chief, worker, ps or evaluator for all of that role; worker-1 for one; all. The chief's if not given",
        ),
        Option(
            name="grep", metavar="REGEX", kind=Kind.TEXT, help="only lines in which this regular expression is found"
        ),
    ),
)
_CANCEL = Command(
    summary="end jobs",
    arguments=(_JOBS,),
    options=(_FILTER,),
    examples=(
        ("%jobs cancel taxi", "the newest job called taxi"),
        ('%jobs cancel --filter "displayName=taxi"', "all called taxi that have not ended"),
    ),
)
_WAIT = Command(
    summary="wait until a job has ended, and fail if it failed; an interrupt ends the waiting, not the job",
    arguments=(_JOB,),
    examples=(("%jobs wait taxi", "stay here until the newest job called taxi has ended, and see how far it is"),),
)
_RERUN = Command(
    summary=(
        "run a job's package once more. A flag after -- takes the place of what it was, all other flags and settings "
        "stay. The environment is that of this kernel"
    ),
    arguments=(_JOB,),
    takes_program=True,
    options=(
        *CHANGES,
        Option(name="set-default", help="make the new version the model's default"),
        WAIT,
        INTO,
    ),
    examples=(
        ("%jobs rerun taxi", "the newest job called taxi as it was"),
        ("%jobs rerun taxi -- --epochs 10", "with another number of epochs, and all its other flags"),
        ("%jobs rerun taxi --max-retries 3 --wait", "with retries, and wait for it"),
    ),
)
_DIFF = Command(
    summary="show what two jobs have differently: code, flags, settings and results",
    arguments=(
        Argument(name="first", metavar="A", help="a job: an id, the beginning of one, or a name"),
        Argument(name="second", metavar="B", help="the other job, which is compared with A"),
    ),
    examples=(
        ("%jobs diff taxi-2026 boats", "what was changed in between"),
        ("%jobs diff taxi/3 taxi/7", "two trials of a study"),
    ),
)
_COMPARE = Command(
    summary="show jobs side by side: the flags in which they differ, and their final metrics",
    arguments=(_JOBS,),
    options=(_FILTER, _LIMIT),
    examples=(
        ("%jobs compare taxi boats", "the newest of both names"),
        ("%jobs compare taxi/3 taxi/7", "two trials of a study; of a study alone, all its trials"),
        ('%jobs compare --filter "displayName=taxi state=SUCCEEDED"', "all that went well"),
    ),
)
_WATCH = Command(
    summary="show the list live until none of its jobs goes on; an interrupt ends only the watching",
    options=(_FILTER, _SORT, _LIMIT, _ALL, _TRIALS),
    examples=(
        ("%jobs watch", "the newest jobs"),
        ('%jobs watch --filter "state:(QUEUED PENDING RUNNING CANCELLING)"', "those that have not ended"),
    ),
)
_DELETE = Command(
    summary=(
        "remove jobs that have ended, with their logs and what they wrote. Versions of models that they made stay. "
        "More than one job goes only with --yes"
    ),
    arguments=(_JOBS,),
    options=(
        _FILTER,
        Option(name="older-than", metavar="AGE", kind=Kind.TEXT, help="only those that ended 12h, 30d or 4w ago"),
        Option(name="keep", metavar="N", kind=Kind.COUNT, help="leave the newest N of each name"),
        Option(name="dry-run", help="say what would go, and how much room that makes; remove nothing"),
        Option(name="yes", help="remove more than one job"),
    ),
    examples=(
        ("%jobs delete taxi", "the newest job called taxi"),
        ('%jobs delete --filter "state=FAILED createTime<-P30D" --dry-run', "look at what would go first"),
        ("%jobs delete --keep 3 --yes", "all but the newest three of each name"),
    ),
)

JOBS = Magic(
    name="jobs",
    default="list",
    command=Command(
        summary="The jobs of this workspace. JOB is an id, the beginning of one, or a name: its newest job.",
        examples=(
            ("%jobs", "all jobs"),
            ("%jobs describe taxi", "the newest job called taxi: its state, its log, what went wrong"),
            ("%jobs logs taxi -f", "what it prints, until it has ended"),
            ("%jobs wait taxi", "stay here until it has ended"),
            ("%jobs rerun taxi -- --epochs 10", "the same once more, with one flag changed"),
        ),
    ),
    subcommands={
        "list": _LIST,
        "describe": _DESCRIBE,
        "logs": _LOGS,
        "cancel": _CANCEL,
        "wait": _WAIT,
        "rerun": _RERUN,
        "diff": _DIFF,
        "compare": _COMPARE,
        "watch": _WATCH,
        "delete": _DELETE,
    },
)
