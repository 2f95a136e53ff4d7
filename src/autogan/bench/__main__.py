"""`python -m autogan.bench`: the measurements as JSON, with nothing but torch beside the sources."""

import argparse
import json

from autogan.basics.errors import UserError
from autogan.bench.suite import run_suite
from autogan.device.compute import Compute

parser = argparse.ArgumentParser(prog="python -m autogan.bench", description=__doc__)
parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
parser.add_argument("--precision", default="auto", choices=["auto", "float32", "bfloat16"])
parser.add_argument("--seconds", type=float, default=20.0, help="time for each case")
parser.add_argument("--growth", action="store_true", help="also how cost grows with size")
parser.add_argument("--only", default="", help="cases whose names hold this text")
options = parser.parse_args()
compute = Compute.resolve(options.device, options.precision)
try:
    measured = run_suite(compute, options.seconds, options.growth, lambda text: None, options.only)
except UserError as error:
    parser.error(str(error))
print(json.dumps(measured, indent=1))
