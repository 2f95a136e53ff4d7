"""Emoji as a folder of classes, for measurements on pictures that people have: 1,906 of 64×64 pixels.

    python benchmarks/emoji_folder.py emoji

Fetches the package emoji-datasource-twitter (graphics by Twitter, CC-BY 4.0) with npm, which must be
installed, and copies one picture of each emoji (no skin tones) into FOLDER/CATEGORY/.
"""

import argparse
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

PACKAGE = "emoji-datasource-twitter@16.0.0"
INSIDE = "package/img/twitter/64/"
LEFT_OUT = "Component"
"""A category of five, too few for a class."""


def main() -> None:
    """Fetches, and writes the folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as fetched:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=fetched, check=True)
        (file,) = Path(fetched).glob("*.tgz")
        with tarfile.open(file) as package:
            listed = package.extractfile("package/emoji.json")
            assert listed is not None
            emoji: list[dict[str, Any]] = json.load(listed)
            chosen = {
                f"{INSIDE}{one['image']}": one["category"]
                for one in emoji
                if one["has_img_twitter"] and one["category"] != LEFT_OUT
            }
            for member in package:
                category, content = chosen.get(member.name), package.extractfile(member)
                if category is None or content is None:
                    continue
                target = folder / category.lower().replace(" & ", "-") / Path(member.name).name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())
    print(f"{len(chosen):,} emoji of {len(set(chosen.values()))} categories in {folder}")


if __name__ == "__main__":
    main()
