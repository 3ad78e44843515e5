# The page: what it says beside `why`, the API and DNS; removal by the listed host; hostile clients and mishaps; in a real browser.
blowback_integration_test(web_pages 180 asan)
blowback_integration_test(web_removal 180 asan)
blowback_integration_test(web_hostile 180 asan)
blowback_integration_test(web_browser 180)
