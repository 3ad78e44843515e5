# Messages taken apart. The trace fields are received.cmake's.
blowback_unit_tests(test_mail_message
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/mail_message.cc ${CMAKE_CURRENT_LIST_DIR}/mail_tree_agrees.cc
          ${CMAKE_CURRENT_LIST_DIR}/mail_content_type.cc
  USES blowback::mail blowback::gmime)
