"""Signals of personal data and secrets, as counts in each part. Check digits have to hold."""

from typing import Final

import polars as pl

from pipelines.quality.checksums import valid_cards, valid_ibans
from pipelines.quality.signal import Part, of_part, where

_EMAIL = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
_PHONE = (
    r"(^|[\s(:])\+\d{1,3}[ .-]?\(?\d{1,4}\)?(?:[ .-]?\d{2,4}){2,4}\b"
    r"|\(\d{3}\) ?\d{3}[ .-]\d{4}\b|\b\d{3}[.-]\d{3}[.-]\d{4}\b"
)
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IP = rf"\b{_OCTET}(?:\.{_OCTET}){{3}}\b"
_SECRET = "|".join(
    [
        r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",  # Amazon
        r"\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_[A-Za-z0-9_]{60,}\b",  # GitHub
        r"\bglpat-[A-Za-z0-9_-]{20}\b",  # GitLab
        r"\bhf_[A-Za-z0-9]{34}\b",  # Hugging Face
        r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}\b",  # OpenAI, Anthropic
        r"\bAIza[0-9A-Za-z_-]{35}\b",  # Google
        r"\bxox[abposr]-[0-9A-Za-z-]{10,}\b",  # Slack
        r"\b[sr]k_live_[0-9a-zA-Z]{24,}\b",  # Stripe
        r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----",
        r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\b",  # JSON Web Token
    ]
)

PATTERNS: Final = {"emails": _EMAIL, "phones": _PHONE, "ip_addresses": _IP, "secrets": _SECRET}
"""By signal. A group that captures holds what stands before, which is no part of what is found."""


@of_part(unit="count")
def emails(part: Part) -> pl.Expr:
    """Addresses of e-mail."""
    return _count(part, _EMAIL)


@of_part(unit="count")
def phones(part: Part) -> pl.Expr:
    """Telephone numbers with a country code, or in the North American form."""
    may = (part.count("digits") >= 7) & part.text.str.contains(r"\+[0-9]|[0-9]{3}\)? ?[.-]?[0-9]{3}[ .-][0-9]{4}")
    return where(may, part.text, lambda text: text.str.count_matches(_PHONE))


@of_part(unit="count")
def ip_addresses(part: Part) -> pl.Expr:
    """Addresses of IP version 4."""
    return where(part.count("digits") >= 4, part.text, lambda text: text.str.count_matches(_IP))


@of_part(unit="count")
def secrets(part: Part) -> pl.Expr:
    """Keys and tokens of providers whose form is known, private keys, and JSON Web Tokens."""
    return _count(part, _SECRET)


@of_part(unit="count", source="ISO/IEC 7812 (Luhn)")
def card_numbers(part: Part) -> pl.Expr:
    """Numbers of payment cards: 13 to 19 digits of a known issuer with a valid check digit."""
    return where(part.count("digits") >= 13, part.text, valid_cards)


@of_part(unit="count", source="ISO 13616")
def ibans(part: Part) -> pl.Expr:
    """International bank account numbers with valid check digits."""
    may = (part.count("digits") >= 2) & part.text.str.contains("[A-Z]{2}[0-9]{2}")
    return where(may, part.text, valid_ibans)


def _count(part: Part, pattern: str) -> pl.Expr:
    return part.text.str.count_matches(pattern).cast(pl.Int64)
