"""Audits: exact verdicts on a mechanism's promises, and what bounds say where the exact search does not fit.

`auditing` is the one function for all mechanisms; it chooses among the exact search (`exact_search`), frozen weights
(`first_reports`, `first_report_audit`), continuous types on a grid (`continuous`, `epsilon_audit`) and a sampled search
(`sampled_audit`). `audit_result` is what it returns; `promise_verdicts`, `audit_frames`, `audit_json`, `audit_text` and
`witness_text` judge it and put it into tables, plain data and words. Beside audits stand bounds on revenue
(`revenue_bound`, `relaxed_economy`) and ε against the size of transfers (`transfer_sizes`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
