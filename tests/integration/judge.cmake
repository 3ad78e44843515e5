# The programs that measure the judge. They aren't built with sanitizers.
if(NOT BLOWBACK_SANITIZE)
  blowback_integration_test(judge_measured 120)
endif()
