"""Tests that all begin with one finished run. It takes a minute, so one process of the tests has them all."""
