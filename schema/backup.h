// A complete copy of a database, for backups and migrations. Private to the room.
#pragma once

#include "schema/store.h"
#include "sqlite.h"

#include <string>

namespace blowback::schema {

/// Copies one consistent state of `from` to `to`, which is replaced when the copy is complete. Others may write meanwhile. Only its owner and
/// group can read the copy. Also removes what interrupted copies with similar names left. Throws SqlFailure, or
/// std::filesystem::filesystem_error.
void copy_database(Connection& from, const std::string& to, const Slicing& slicing);

}  // namespace blowback::schema
