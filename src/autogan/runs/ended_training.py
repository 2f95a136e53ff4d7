"""A run whose training has ended, for another one that goes on from there. Reading it takes no torch."""

from dataclasses import dataclass
from pathlib import Path

from autogan.basics.errors import UserError
from autogan.runs.checksums import changed_files
from autogan.runs.config import read_config, read_settings
from autogan.runs.contents import Data, Results, read_content, read_results
from autogan.runs.environment import settings_seen_from
from autogan.runs.file_names import (
    CHECKPOINTS,
    CHECKSUMS,
    CONFIG,
    DATA,
    RESULTS,
    TRIAL_FOLDERS,
    checkpoint_files,
)
from autogan.runs.task import Task, derive_command
from autogan.settings.resume_rules import refuse_another_game
from autogan.settings.search import SearchSettings
from autogan.settings.sections import Settings

TRAINING = "train"
"""The part of a run in which the one generator that it is about is trained with the whole budget."""


@dataclass(frozen=True)
class EndedTraining:
    """What the run in a folder trained, and how.

    folder: absolute. architecture: the text form of the generator's. settings: with absolute paths, and the
    discriminator that was searched, if one was, as the one to train against.
    """

    folder: Path
    architecture: str
    settings: Settings

    def refuse_unfit(self, architecture: str, settings: Settings) -> None:
        """Raises `UserError` where its state is damaged, for another architecture, and for settings that make
        other networks or play otherwise."""
        self._refuse_damaged()
        if architecture != self.architecture:
            raise UserError(
                f"The run in {self.folder} trained {self.architecture}: its training cannot go on with "
                f"{architecture}."
            )
        refuse_another_game(self.settings, settings, f"The training in {self.folder}")

    def _refuse_damaged(self) -> None:
        """Raises `UserError` where its state, or what says what that is of, is not as the run left it."""
        from autogan.files.storage import DamagedFile, check_tree  # torch takes seconds

        newest = checkpoint_files(self.folder, TRAINING)[-1]
        try:
            if (self.folder / CHECKSUMS).is_file():
                self._refuse_changed()
            if not newest.is_file():
                raise DamagedFile(f"{newest} is not a regular file.")
            check_tree(newest)
        except DamagedFile as damage:
            raise UserError(f"{damage} So nothing can go on from it.") from None

    def _refuse_changed(self) -> None:
        """Raises `UserError` where a file that counts here is not what checksums.json says."""
        needed = (CONFIG, DATA, RESULTS, f"{CHECKPOINTS}/{TRAINING}-")
        try:
            changed = changed_files(self.folder, needed)
        except ValueError as damage:
            changed = [f"{CHECKSUMS} is damaged ({damage})"]
        if changed:
            raise UserError(f"{self.folder}: {'; '.join(changed)}. So nothing can go on from it.")


def data_of_start(task: Task | None) -> Data | None:
    """data.json of the run that a training goes on from; None where it begins anew, or that run is gone."""
    if task is None or task.start is None:
        return None
    data: Data | None = read_content(Path(task.start), DATA, Data).value
    return data


def read_ended_training(folder: Path) -> EndedTraining:
    """Raises `UserError` where the folder holds no run whose training has ended and left its state."""
    config, settings = read_config(folder), read_settings(folder)
    if config.task and config.task.by_trials:
        raise UserError(
            f"The run in {folder} is a search by trials, each of which is a run of its own, in "
            f"{folder / TRIAL_FOLDERS}. autogan front {folder} names the best ones."
        )
    if config.task and config.task.command == "search":
        raise UserError(
            f"The run in {folder} is only a search, which leaves no training to go on from. Train what it "
            f"has found: {derive_command(folder)}, and then autogan train --arch."
        )
    if not (folder / RESULTS).is_file():
        way = f": {config.task.resume_command(folder)}" if config.task else ""
        raise UserError(
            f"The run in {folder} has no results, so there is no training that ended. Bring it to its "
            f"end first{way}"
        )
    read_results(folder)  # refuses those of another version
    found = read_content(folder, RESULTS, Results)
    if found.damage:
        raise found.damage.refusal(folder)
    results = found.value
    assert results is not None
    if not checkpoint_files(folder, TRAINING):
        raise UserError(
            f"{folder} keeps no state of a training to go on from: its candidates were trained with the "
            "whole budget (derive.generator_steps), or its checkpoints were removed. Train the "
            f"architecture anew: autogan train --arch {results.architecture}"
        )
    settings = settings_seen_from(config.directory, settings)
    against = results.discriminator
    if against and against.how != "fixed":
        network = settings.network.model_copy(update={"discriminator": against.architecture})
        # What belongs to a search for discriminators means nothing beside one that is told.
        fields = SearchSettings.model_fields
        names = ("discriminator", "discriminator_iterations", "probe_steps")
        search = settings.search.model_copy(update={name: fields[name].default for name in names})
        settings = settings.model_copy(update={"network": network, "search": search})
    return EndedTraining(folder.absolute(), results.architecture, settings)
