# The programs that measure the judge. They aren't built with sanitizers.
blowback_integration_test(judge_measured 240 busy)
