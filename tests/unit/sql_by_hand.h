// What no verb of the store does: a database as another program, another version or another time left it.
#pragma once

#include "catch.h"

#include <sqlite3.h>

#include <string>

namespace blowback::schema_test {

inline void run_sql(const std::string& file, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  char* message = nullptr;
  const int code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &message);
  const std::string said = message == nullptr ? "" : message;
  sqlite3_free(message);
  sqlite3_close(db);
  INFO(said);
  REQUIRE(code == SQLITE_OK);
}

}  // namespace blowback::schema_test
