# How long a policy is tried on the record, and that the answer is a re-ingest's.
add_executable(policy_replay ${CMAKE_CURRENT_LIST_DIR}/policy_replay.cc)
target_link_libraries(policy_replay PRIVATE blowback::cli blowback::config blowback::schema blowback::score blowback::json
                                            blowback::fmt blowback::warnings)
