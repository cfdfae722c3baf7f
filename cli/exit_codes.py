"""What the exit code of every verb means."""

DONE = 0
OUR_FAULT = 1
USER_MISTAKE = 2
REFUSED_BY_GATE = 3
INTERRUPTED = 130
TERMINATED = 143
