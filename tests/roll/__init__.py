"""The proof that a deploy drops nobody: real nodes, a balancer and real clients; everything that happens is judged.

:mod:`~tests.roll.crowd` says who the clients are, fleets (:mod:`~tests.roll.fleet`) are processes that play them, a
scenario (:mod:`~tests.roll.scenarios`) is what is done to the nodes meanwhile. All of them write into one log
(:mod:`~tests.roll.log`), from which :mod:`~tests.roll.judging` makes the table that is printed. `python -m tests.roll`
runs it all.
"""
