"""A search by trials from its beginning to its end: the data, the study, the workers, what was found."""

from dataclasses import replace
from pathlib import Path

from autogan.basics.errors import UserError
from autogan.method.context import Context, prepare
from autogan.method.pipeline import end, part_of, prepare_run
from autogan.progress.base import Progress
from autogan.runs.config import read_task
from autogan.runs.contents import Trials
from autogan.runs.environment import settings_seen_from
from autogan.runs.file_names import CONFIG, DATABASE, TRIAL_FOLDERS
from autogan.runs.folder import Run
from autogan.runs.stopping import Stopping
from autogan.runs.task import Task
from autogan.settings.sections import Settings
from autogan.trials.found import Found
from autogan.trials.places import Order, Places
from autogan.trials.proposals import refuse_strategy
from autogan.trials.proxies import proxied
from autogan.trials.storage import (
    address_of_file,
    answering,
    hidden,
    open_storage,
    refuse_hidden_password,
    same_database,
    with_whole_path,
)
from autogan.trials.study import (
    Identity,
    create_or_open,
    data_of,
    judge_of,
    open_study,
    settings_of,
)
from autogan.trials.supervising import supervise
from autogan.trials.takeover import take_up_forgotten
from autogan.trials.views import make_views
from autogan.trials.worker import Worker

STUDY = "autogan"
"""Of a search's folder, where no other storage is named."""


def refuse_before_anything(settings: Settings) -> None:
    """Raises `UserError` for what trials cannot be begun with."""
    refuse_strategy(settings)
    if settings.search.discriminator != "fixed":
        raise UserError(
            f"search.discriminator={settings.search.discriminator} is of a search with shared weights. "
            "Trials have the discriminator of network.discriminator: set search.discriminator=fixed."
        )
    if settings.trials.training == "searched":
        _refuse_what_fits_some(settings)
    proxied(settings)


def _refuse_what_fits_some(settings: Settings) -> None:
    """Raises `UserError` for settings that do not go with every training that is searched."""
    wrong = {
        "train.objective.direction_head": settings.train.objective.direction_head,
        "train.schedule.penalty_end": settings.train.schedule.penalty_end < 1,
    }
    if found := [name for name, given in wrong.items() if given]:
        raise UserError(
            f"{' and '.join(found)}: that goes with some losses and penalties only, and "
            "trials.training=searched tries all. Leave one of the two out."
        )


def begun_task(address: str | None, study: str | None) -> Task:
    """That of a new search by trials. Raises `UserError` for no address of a storage."""
    kept = None if address is None else hidden(with_whole_path(address))
    return Task("search", method="trials", storage=kept, study=study)


def task_to_go_on(folder: Path, address: str | None, study: str | None) -> tuple[Task, str | None]:
    """The task of the search in a folder, and the address of its storage; None: a file in the folder.

    Raises `UserError` where the folder holds no search by trials, where another storage or study is given
    than it has, and where the storage's password would have to be given.
    """
    task = read_task(folder)
    if task is None or not task.by_trials:
        raise UserError(f"The run in {folder} is no search by trials. Leave --method trials out.")
    kept = task.storage or address_of_file(folder / DATABASE)
    given = kept if address is None else with_whole_path(address)
    if not same_database(given, kept):
        raise UserError(
            f"The trials of {folder} are in {kept}, and not in {hidden(given)}. Leave --storage and "
            f"AUTOGAN_STORAGE out. If the database was moved, change task.storage in {folder / CONFIG}."
        )
    if study not in (None, task.study or STUDY):
        raise UserError(
            f"The trials of {folder} are the study {task.study or STUDY!r}, and not {study!r}. Leave --study "
            "out."
        )
    address = address or task.storage
    if address is not None:
        refuse_hidden_password(address)
    return task, address


def search_by_trials(
    run: Run,
    progress: Progress,
    *,
    address: str | None = None,
    study_name: str = STUDY,
    places: Places | None = None,
) -> Trials:
    """Trains and compares until `trials.count` trials have ended; the content of trials.json.

    address: of the storage; a file in the run's folder where left out. places: where workers run; where
    left out, the trials are trained in this process.
    """
    settings = proxied(run.settings)
    context = prepare_run(run, progress, settings=settings)
    _refuse_goals(context)
    address = with_whole_path(address or address_of_file(run.folder / DATABASE))
    known = context.settings.compute.model_copy(update={"precision": context.compute.precision})
    data = context.settings.data.model_copy(update={"source": run.source})
    judge = context.settings.judge.model_copy(update={"inception_weights": run.inception_weights})
    known_settings = context.settings.model_copy(
        update={"compute": known, "data": data, "judge": judge}
    )
    # Workers may be started anywhere: they are told whole paths.
    context = replace(context, settings=settings_seen_from(str(Path.cwd()), known_settings))
    storage = open_storage(address)
    study = create_or_open(
        storage,
        study_name,
        Identity.of(context.data.digest, context.judge.name, context.settings),
        context.settings,
    )
    found = Found(run, study, context.settings, hidden(address))
    with answering(address), part_of(run, "trials"):
        if refused := make_views(storage):
            progress.note(f"The views for other tools were not made in the database: {refused}")
        progress.start("trials")
        take_up_forgotten(study)
        try:
            if places is None:
                worker = Worker(study, context, run.folder / TRIAL_FOLDERS, run.stopping, progress)
                worker.after_trial = found.refresh
                worker.work()
            else:
                trials_folder = (run.folder / TRIAL_FOLDERS).resolve()
                source, count = context.settings.data.source, settings.trials.count
                order = Order(study_name, trials_folder, source, count, address)
                supervise(run, order, places, found, progress)
        finally:
            trials = found.write()
    with answering(address):
        found.keep_best()
    end(run)
    return trials


def work(
    address: str,
    study_name: str,
    trials: Path,
    source: str | None,
    count: int | None,
    stopping: Stopping,
    progress: Progress,
) -> None:
    """Works at a study that another process began, until all of its trials have ended.

    source: where the images are on this machine; count: trials until the search has ended. As in the study
    where left out.

    Raises `UserError` where data or judge are other ones here.
    """
    study = open_study(open_storage(address), study_name)
    settings = settings_of(study)
    if source is not None:
        data = settings.data.model_copy(update={"source": source})
        settings = settings.model_copy(update={"data": data})
    if count is not None:  # a study grows, and never shrinks
        count = max(count, settings.trials.count)
        trials_settings = settings.trials.model_copy(update={"count": count})
        settings = settings.model_copy(update={"trials": trials_settings})
    with stopping.at_once():
        context = prepare(settings, progress, task=Task("search", method="trials"))
    for what, own, theirs in (
        ("images", context.data.digest, data_of(study)),
        ("judge", context.judge.name, judge_of(study)),
    ):
        if own != theirs:
            raise UserError(
                f"The {what} of this machine ({own}) are not those of the study ({theirs}): scores would "
                "not compare. Give the same images (--data), and the cache of the machine that began the "
                "search (AUTOGAN_CACHE)."
            )
    with answering(address):
        Worker(study, context, trials, stopping, progress).work()


def _refuse_goals(context: Context) -> None:
    if "inception_score" in context.settings.trials.goals and not context.judge.class_count:
        raise UserError(
            f"trials.goals has inception_score, and the images of {context.data.name} have no classes. "
            "Take frechet_distance."
        )
