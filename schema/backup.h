// A whole copy of a database, for backups and migrations. Private to the room.
#pragma once

#include "schema/store.h"
#include "sqlite.h"

#include <string>

namespace blowback::schema {

/// Copies what `from` sees at one moment to `to`, which is replaced when the copy is whole. Others may write meanwhile. Only the database's
/// owner and group may read it. Throws SqlFailure, or std::filesystem::filesystem_error.
void copy_database(Connection& from, const std::string& to, const Slicing& slicing);

}  // namespace blowback::schema
