"""District or ward web portal for officers (trang tiếp nhận của quận, phường; không có API).

Portal:    the many "… trực tuyến" applications of former districts, and their like
Owner:     each locality; districts ended on 1 July 2025, so mostly history and late answers now
Address:   one per portal; everything else about it is the channel's ``layout`` setting
Allows:    read list, pages and files; reply through the page's form; read back from the page
Interval:  10 minutes, one request a second at most

All of it is connector.yaml, read by `aggregator.sdk.html_portal`; the package holds the simulated portal.

What may surprise: no public client of any such portal was found. The faces in the manifest are those of
the simulated portal; a real portal is a third one, made of settings alone.

History:
    2026-11  written against two simulated portals with different layouts
    2026-11  code became the HTML level of the kit; settings and cursors of channels stayed as they were
"""
