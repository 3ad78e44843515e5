# The account of a sender: its facts and its sentences, the advice, and the mask over traps.
blowback_unit_tests(test_account
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/account_facts.cc ${CMAKE_CURRENT_LIST_DIR}/account_text.cc ${CMAKE_CURRENT_LIST_DIR}/account_kept.cc
          ${CMAKE_CURRENT_LIST_DIR}/account_advice.cc ${CMAKE_CURRENT_LIST_DIR}/account_masked.cc ${CMAKE_CURRENT_LIST_DIR}/account_removals.cc
  USES blowback::account blowback::schema blowback::score blowback::fmt)
