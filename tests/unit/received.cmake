blowback_unit_tests(test_received
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/received_field.cc ${CMAKE_CURRENT_LIST_DIR}/received_attacks.cc
          ${CMAKE_CURRENT_LIST_DIR}/received_chain.cc
  USES blowback::mail)
