import pytest


def count(measure, signal, text):
    return measure("instruction", f"completion_{signal}", [{"completion": text}])[0]


def test_addresses_and_telephones(measure) -> None:
    assert count(measure, "emails", "Write to jo.doe@example.com or a+b@mail.example.org.") == 2
    assert count(measure, "emails", "@user and x@y are none") == 0
    assert count(measure, "phones", "Call +44 20 7946 0958 or (212) 555-0187 or 212-555-0187.") == 3
    assert count(measure, "phones", "1400000+2100000 = 3500000, and 2023-01-05") == 0
    assert count(measure, "ip_addresses", "from 192.168.0.1 to 10.12.128.0") == 2
    assert count(measure, "ip_addresses", "version 1.2.3 or 999.1.1.1 or 300.300.300.300") == 0


@pytest.mark.parametrize("number", ["4111 1111 1111 1111", "5500005555555559", "3782-822463-10005"])
def test_cards_count_where_their_check_digit_holds(measure, number: str) -> None:
    assert count(measure, "card_numbers", f"My card is {number}.") == 1
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert count(measure, "card_numbers", f"My card is {wrong}.") == 0


def test_decimals_are_no_cards(measure) -> None:
    assert count(measure, "card_numbers", "50.26548245743669 cm") == 0


def test_bank_accounts_count_where_their_check_digits_hold(measure) -> None:
    assert count(measure, "ibans", "Pay to GB82 WEST 1234 5698 7654 32 or DE89370400440532013000.") == 2
    assert count(measure, "ibans", "Pay to GB83 WEST 1234 5698 7654 32.") == 0


def test_keys_of_known_providers(measure) -> None:
    keys = ["AKIA" + "A1" * 8, "ghp_" + "a1" * 18, "hf_" + "aB" * 17, "-----BEGIN RSA PRIVATE KEY-----"]
    assert [count(measure, "secrets", f"key: {key} end") for key in keys] == [1] * len(keys)
    assert count(measure, "secrets", "AKIA is a prefix, and sk-short is short") == 0


def test_each_rows_candidates_stay_its_own(measure) -> None:
    rows = [{"completion": text} for text in ("none", "4111111111111111 and 5500005555555559", "", "4111111111111111")]
    assert measure("instruction", "completion_card_numbers", rows) == [0, 2, 0, 1]
    assert measure("cot", "reasoning_card_numbers", [{"reasoning": None}]) == [None]
