"""Which folders are labels, in folders of one's own pictures as people have them."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from mnist_mlp.errors import InputError, listed
from mnist_mlp.pictures.files import picture_endings
from mnist_mlp.pictures.in_folders.contents import OUTSIDE, Folder, in_words, walk

EXPECTED = "expected are ROOT/<label>/*.png, or such folders in ROOT/train and ROOT/test, perhaps ROOT/val"
# What the folder of a part may be called, beside words that say nothing.
PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
PARTS |= dict.fromkeys(["val", "valid", "validation", "dev", "eval"], "val")
# Folders that are no labels: pictures that are not to be read, and those that no one has given a label yet.
NO_DIGIT, UNSORTED = "no_digit", "unsorted"
NEUTRAL = {"", "data", "digits", "images", "img", "imgs", "mnist", "pictures", "sample", "samples", "set", "split"}

Labels = Mapping[str, list[str]]  # the paths of each label's pictures


def tree_of(root: Path, key: str = "data.root") -> Folder:
    """Returns what is in the root. Raises InputError, naming the setting, if it is not a folder that can be read."""
    if not root.exists():
        raise InputError(f"{key}={root}: the folder does not exist; {EXPECTED}")
    if not root.is_dir():
        what = "a zip file: unpack it" if root.suffix.lower() == ".zip" else "a file, not a folder"
        raise InputError(f"{key}={root}: {what}; {EXPECTED}")
    try:
        return walk(root)
    except OSError as error:
        raise InputError(f"{key}={root}: cannot be read: {error.strerror}") from error


def labels_by_part(tree: Folder) -> dict[str, Labels]:
    """Returns the label folders of each part: ``train``, and ``val`` and ``test`` if there are folders for them.

    A folder that holds nothing but one folder, as archives make, is entered. A part has ``no_digit`` among its labels
    if there are such pictures. What is in a folder ``unsorted`` is left out.

    Raises:
        InputError: It is not clear which folders are the labels.
    """
    place = entered(tree)
    parts: dict[str, Folder] = {}
    others = []
    for folder in place.folders:
        part = part_of(folder.name)
        if part in parts:
            raise InputError(f"{folder.path} and {parts[part].path}: both are to {part}; only one of them can be used")
        if part:
            parts[part] = folder
        else:
            others.append(folder)
    if not parts:
        return {"train": labels_in(place)}
    if others := with_pictures(others):
        raise InputError(
            f"{place.path}: {names(parts.values())} cannot lie beside {names(others)}: either these are folders of"
            f" labels, or those of parts; rename or move some; {EXPECTED}"
        )
    if "train" not in parts:
        raise InputError(f"{place.path}: has {names(parts.values())}, but no folder train; {EXPECTED}")
    labels = {part: labels_in(entered(folder)) for part, folder in parts.items()}
    for part, found in labels.items():
        if unknown := found.keys() - labels["train"].keys() - {NO_DIGIT}:
            raise InputError(
                f"{parts[part].path}: has labels that {parts['train'].path} lacks: {', '.join(sorted(unknown))}"
            )
    return labels


def entered(folder: Folder) -> Folder:
    """Returns the innermost folder that one comes to where there is only one way to folders of pictures."""
    while True:
        inner = with_pictures(folder.folders)
        if len(inner) != 1 or (len(folder.folders) > 1 and has_parts(folder.folders)):
            return folder
        further = with_pictures(inner[0].folders)
        if inner[0].pictures and len(further) < 2 and not has_parts(further):
            return folder
        folder = inner[0]


def has_parts(folders: list[Folder]) -> bool:
    """Tells whether the name of one of the folders is that of a part."""
    return any(part_of(folder.name) for folder in folders)


def labels_in(place: Folder) -> Labels:
    """Returns the pictures of each label folder, those in folders further down included."""
    if not place.folders:
        found = f" ({in_words(place.left_out)})" if place.left_out else ""
        what = f"{len(place.pictures):,} pictures, but no folder for each label" if place.pictures else "no folders"
        raise InputError(f"{place.path}: has {what}{found}; {EXPECTED}")
    labels = {folder.name: folder for folder in place.folders if folder.name != UNSORTED}
    if NO_DIGIT in labels and not labels[NO_DIGIT].all_pictures():
        del labels[NO_DIGIT]
    for name, folder in labels.items():
        for inner in folder.below():
            if inner.name in labels and inner.name != name:
                raise InputError(f"{inner.path}: a label folder in another one; move it out")
        check_holds_pictures(folder)
    return {name: folder.all_pictures() for name, folder in labels.items()}


def check_holds_pictures(label: Folder) -> None:
    """Raises InputError unless a label folder, or the only folder with pictures in it, holds pictures itself."""
    holder = label
    while not holder.pictures and len(inner := with_pictures(holder.folders)) == 1:
        holder = inner[0]
    if holder.pictures:
        return
    if inner := with_pictures(holder.folders):
        raise InputError(f"{holder.path}: holds folders ({names(inner)}) where a label's pictures must be; {EXPECTED}")
    found = in_words(label.all_left_out())
    if not found:
        raise InputError(f"{label.path}: is empty; put the label's pictures there, or remove the folder")
    raise InputError(f"{label.path}: no pictures, but {found}; pictures end with {' '.join(sorted(picture_endings()))}")


def digits_by_part(tree: Folder) -> dict[str, Labels]:
    """Returns what ``labels_by_part`` does, without ``no_digit``."""
    parts = labels_by_part(tree)
    return {name: {label: part[label] for label in part if label != NO_DIGIT} for name, part in parts.items()}


def no_labels(tree: Folder) -> Counter[str]:
    """Returns how many pictures lie in folders that are no labels, by the names of these."""
    inside = {name: [folder for folder in tree.below() if folder.name == name] for name in (NO_DIGIT, UNSORTED)}
    return +Counter({name: sum(len(folder.all_pictures()) for folder in found) for name, found in inside.items()})


def left_out_of(tree: Folder, parts: Mapping[str, Labels]) -> Counter[str]:
    """Returns how much of each kind is left out of a folder whose parts, without ``no_digit``, are these."""
    aside = no_labels(tree)
    labelled = sum(len(pictures) for labels in parts.values() for pictures in labels.values())
    outside = len(tree.all_pictures()) - labelled - aside.total()
    return +(tree.all_left_out() + aside + Counter({OUTSIDE: outside}))


def none_labelled(tree: Folder) -> str:
    """Returns that no picture has a label, and what to do."""
    unsorted = no_labels(tree)[UNSORTED]
    advice = f": move each of the {unsorted:,} in {UNSORTED} into the folder of its label" if unsorted else ""
    return f"no picture has a label{advice}"


def near(label: str, labels: Iterable[str]) -> str:
    """Returns a question after the label, or other folder, that a folder's name may stand for; empty if none does."""

    def plain(name: str) -> str:
        return re.sub(r"[\W_]", "", name.casefold()).lstrip("0") or "0"

    return next(
        (f"; did you mean {name}?" for name in (*labels, NO_DIGIT, UNSORTED) if plain(name) == plain(label)), ""
    )


def with_pictures(folders: list[Folder]) -> list[Folder]:
    """Returns those of the folders in which, or below which, there are pictures."""
    return [folder for folder in folders if any(inner.pictures for inner in folder.below())]


def part_of(name: str) -> str | None:
    """Returns which part a folder of this name, such as ``Train``, ``val`` or ``trainingSet``, is for, if for any."""
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    parts = {PARTS.get(word.removesuffix("set")) for word in words if word.removesuffix("set") not in NEUTRAL}
    return parts.pop() if len(parts) == 1 else None


def names(folders: Iterable[Folder]) -> str:
    """Returns the names of the folders, at most five of them."""
    return listed([folder.name for folder in folders], most=5)
