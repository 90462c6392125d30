#!/usr/bin/python3
"""Peers that mean harm, against a real atolld, beside one that behaves: it must not notice, memory must stay bounded.

usage: run.py BUILD_DIR [--only TEXT] [--seed N]
Ends with a line "N passed, N failed".
"""

import argparse
import os
import pathlib
import sys
import tempfile
import traceback

HERE = pathlib.Path(__file__).resolve().parent


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("build")
    options.add_argument("--only", default="", help="run the attacks whose names contain this")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    os.environ["ATOLL_BUILD"] = str(pathlib.Path(chosen.build).resolve())
    sys.path[:0] = [str(HERE.parent / "acceptance/python"), str(HERE)]
    sys.dont_write_bytecode = True
    import accounts
    import calls
    import connections
    import messages
    import values
    from canary import Canary
    from harness import Server

    attacks = [
        (name, function)
        for module in (connections, calls, messages, values, accounts)
        for name, function in vars(module).items()
        if name.startswith("attack_") and chosen.only in name
    ]
    passed = failed = 0
    for name, attack in attacks:
        title = name.removeprefix("attack_").replace("_", " ")
        try:
            with Server(getattr(attack, "config", None)) as server:
                canary = Canary(server)
                attack(server, canary, chosen.seed)
                canary.close()
            passed += 1
            print(f"ok   {title} (memory +{canary.growth >> 20} MB, {canary.rounds} rounds beside it)", flush=True)
        except BaseException as problem:
            failed += 1
            print(f"FAIL {title}: {problem}", flush=True)
            traceback.print_exc()
            if isinstance(problem, KeyboardInterrupt):
                break
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    tempfile.tempdir = os.environ.get("TMPDIR")
    sys.exit(main())
