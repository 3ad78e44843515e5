# Messages taken apart, and the way that they came.
blowback_unit_tests(test_mail_message
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/mail_message.cc ${CMAKE_CURRENT_LIST_DIR}/mail_tree_agrees.cc
          ${CMAKE_CURRENT_LIST_DIR}/mail_content_type.cc ${CMAKE_CURRENT_LIST_DIR}/mail_html.cc
  USES blowback::mail blowback::gmime)
blowback_unit_tests(test_received
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/received_field.cc ${CMAKE_CURRENT_LIST_DIR}/received_attacks.cc
          ${CMAKE_CURRENT_LIST_DIR}/received_chain.cc
  USES blowback::mail)
