# Measures `policy simulate` on recorded incidents, and checks that its result equals that of a new ingest.
add_executable(policy_replay ${CMAKE_CURRENT_LIST_DIR}/policy_replay.cc)
target_link_libraries(policy_replay PRIVATE blowback::cli blowback::config blowback::schema blowback::score blowback::json
                                            blowback::fmt blowback::warnings)
