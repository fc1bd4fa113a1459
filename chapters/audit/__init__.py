# SPDX-License-Identifier: Apache-2.0
"""What the source article says, held against its own scenario and our derivations."""

from .claims import VERDICTS, Claim, article, claim, claims, ledger

__all__ = ["VERDICTS", "Claim", "article", "claim", "claims", "ledger"]
