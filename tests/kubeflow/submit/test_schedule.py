"""The five fields of cron: read, refused, and written for each service."""

import pytest

from limbeck.errors import ConfigError
from limbeck.kubeflow.submit.schedule import parse


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("0 6 * * 1", "0 6 * * 1"),
        ("*/15 * * * *", "*/15 * * * *"),
        # Sunday is 0 and 7 in cron; KFP's parser refuses 7.
        ("0 6 * * 7", "0 6 * * 0"),
        ("0 6 * * fri-7", "0 6 * * 0,5,6"),
        ("0 6 1 JAN,jul *", "0 6 1 1,7 *"),
        ("0 0-20/10 * * mon-fri", "0 0,10,20 * * 1,2,3,4,5"),
        # A list of all days would count as a choice of days, and the two fields are alternatives then.
        ("0 0 1 * *", "0 0 1 * *"),
        ("0 0 */2 * 1", "0 0 */2 * 1"),
        # The 30th of February never comes, but Mondays in February do.
        ("0 0 30 2 1", "0 0 30 2 1"),
        ("0 0 29 2 *", "0 0 29 2 *"),
    ],
)
def test_a_schedule_for_each_service(text: str, fields: str) -> None:
    schedule = parse(text)
    assert schedule.kubeflow == f"0 {fields}"
    assert schedule.vertex == f"TZ=UTC {fields}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "which has 0"),
        ("0 0 6 * * 1", "which has 6"),
        ("@daily", "five fields of cron"),
        ("60 * * * *", "the minute takes numbers from 0 to 59"),
        ("0 24 * * *", "the hour takes"),
        ("0 0 0 * *", "the day of the month takes numbers from 1"),
        ("0 0 * 13 *", "the month takes"),
        ("0 0 * * 8", "the day of the week takes"),
        ("0 0 * * fri-mon", "received 'fri-mon'"),
        ("5-1 * * * *", "received '5-1'"),
        ("5/15 * * * *", "received '5/15'"),
        ("*/0 * * * *", "received '*/0'"),
        ("1,, * * * *", "received ''"),
        ("0 0 ? * 1", "received '?'"),
        ("² * * * *", "received '²'"),
        ("0 0 31 2,4 *", "never comes"),
    ],
)
def test_a_mistake_is_a_sentence(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert told in str(caught.value)
