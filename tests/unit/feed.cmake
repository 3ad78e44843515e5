blowback_unit_tests(test_feed
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/feed_callouts.cc ${CMAKE_CURRENT_LIST_DIR}/feed_maildir.cc ${CMAKE_CURRENT_LIST_DIR}/feed_mbox.cc
          ${CMAKE_CURRENT_LIST_DIR}/feed_jsonl.cc ${CMAKE_CURRENT_LIST_DIR}/feed_old_mail.cc ${CMAKE_CURRENT_LIST_DIR}/feed_stdin.cc
  USES blowback::feed blowback::fmt)
