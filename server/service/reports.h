// The server's log lines about the list, its counts and its zone; docs/log-lines.md describes them.
#pragma once

#include "config/config.h"
#include "net/counts.h"
#include "transfer/notifier.h"
#include "transfer/secondary_serials.h"
#include "transfer/transfers.h"
#include "zone/follower.h"

namespace blowback::service {

/// Safe from any thread.
void log_report(const zone::FollowerReport& report);

/// Safe from any thread.
void log_transfer(const transfer::Report& report);

/// Likewise.
void log_handshake(const transfer::FailedHandshake& failed);

/// Likewise.
void log_notified(const transfer::NotifierReport& report);

/// Likewise.
void log_lag(const transfer::LagReport& report);

/// A line `answered` per transport.
void log_counts(const net::Counts& counts);

/// A line for each name server in the zone without an address.
void log_nameservers_without_address(const config::Zone& zone);

}  // namespace blowback::service
