# The stream of the zone's records, compared with the exported zone file; the difference of two versions; the threads that send it, and that notify
# secondaries. Of the tool only the export's own sources are built in: the whole tool takes minutes to compile.
blowback_unit_tests(test_transfer
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/transfer_stream.cc ${CMAKE_CURRENT_LIST_DIR}/transfer_thread.cc ${CMAKE_CURRENT_LIST_DIR}/transfer_notifier.cc ${CMAKE_CURRENT_LIST_DIR}/transfer_tls.cc
          ${CMAKE_CURRENT_LIST_DIR}/transfer_difference.cc ${CMAKE_CURRENT_LIST_DIR}/transfer_secondary_serials.cc
          ${CMAKE_CURRENT_LIST_DIR}/transfer_soa_reply.cc ${CMAKE_CURRENT_LIST_DIR}/transfer_restart.cc
          ${PROJECT_SOURCE_DIR}/cli/export/zone.cc ${PROJECT_SOURCE_DIR}/cli/export/formats.cc
  USES blowback::transfer blowback::account blowback::answer blowback::zone blowback::schema blowback::score blowback::config blowback::core blowback::system blowback::sqlite blowback::ldns
       blowback::sodium blowback::tls blowback::crypto blowback::fmt Threads::Threads)
if(TARGET test_transfer)
  target_include_directories(test_transfer PRIVATE ${PROJECT_SOURCE_DIR}/cli)
endif()
