"""National public service portal: the public pages of answered reports (PAKN đã trả lời), read-only.

Portal:    dichvucong.gov.vn, "Phản ánh kiến nghị", without any account
Owner:     Văn phòng Chính phủ
Address:   https://dichvucong.gov.vn/p/phananhkiennghi/jsp/…
Allows:    read list, question page, answer page, files; no write-back
Interval:  6 hours, one request in two seconds at most

All of it is connector.yaml, read by `aggregator.sdk.html_portal`; the package holds the simulated portal.

What may surprise: pages are as a provincial product read them in March 2022; nothing was checked against
the live portal. A question and its answer are two pages, kept as one item. A person's name may hold
hyphens and so may a province's, so "name - province - date" is parsed from its right end. Only answered
reports are public, so their status is always "Đã trả lời".

History:
    2026-11  written against a simulated portal made after the 2022 pages
"""
