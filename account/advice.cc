#include "account/advice.h"

#include <algorithm>
#include <array>
#include <span>

namespace blowback::account {
namespace {

/// A remedy: the setting or command for one product; "" is for any.
struct Row {
  std::string_view product;
  std::string_view step;
};

constexpr std::array kRefuseRecipients{
    Row{"",
        "Refuse unknown recipients at RCPT TO, also on backup MX hosts and gateways in front: a refusal makes no "
        "bounce, and a sender who is real still learns of it."},
    Row{"postfix",
        "Postfix: leave local_recipient_maps at its default, list relayed recipients in relay_recipient_maps; where "
        "they can't be listed, reject_unverified_recipient. No catch-all that is forwarded elsewhere, no after-queue "
        "filter that bounces."},
    Row{"exim",
        "Exim: `require verify = recipient` in the RCPT ACL; for relayed domains `verify = recipient/callout=20s`."},
    Row{"exchange",
        "Exchange: turn recipient filtering on where mail comes in (`Set-RecipientFilterConfig "
        "-RecipientValidationEnabled $true`; on Mailbox servers install the antispam agents first)."},
    Row{"exchange-online",
        "Exchange Online: make the domain authoritative, so that Directory-Based Edge Blocking refuses unknown "
        "recipients."},
    Row{"sendmail",
        "Sendmail: end virtusertable domains with `@example.org error:nouser User unknown`; for relayed domains list "
        "recipients in the access map, use LDAP routing, or check them with a milter."},
    Row{"qmail",
        "qmail accepts any recipient by design; add a check, with the validrcptto patch or a qmail-spp plugin."},
    Row{"domino",
        "Domino: in the configuration document, SMTP inbound controls: `Verify that local domain recipients exist in "
        "the Domino Directory`."},
    Row{"courier", "Courier: don't accept for domains (esmtpacceptmailfor) whose recipients it can't check."},
    Row{"opensmtpd", "OpenSMTPD: name the recipients in the rule, `match … for rcpt-to <recipients>`."},
    Row{"haraka", "Haraka: load an rcpt_to plugin that knows the recipients, and not one that knows the domains only."},
    Row{"barracuda", "Barracuda: turn recipient verification on (LDAP or SMTP), and bounces for blocked mail off."},
    Row{"cpanel", "cPanel: Default Address: `Discard with error to sender (at SMTP time)`, `:fail:`; never a forward."},
    Row{"plesk", "Plesk: mail settings of the domain, mail for non-existent users: Reject."},
};

constexpr std::array kRefuseFull{
    Row{"", "Check the quota at RCPT TO and answer 452 4.2.2 there; the client keeps the mail and tries again."},
    Row{"postfix",
        "Postfix: ask the mail store while the client is there, with Dovecot by its quota-status policy service "
        "(check_policy_service in smtpd_recipient_restrictions)."},
    Row{"exim",
        "Exim: `verify = recipient/callout=20s` by LMTP to the mail store, or check the quota in the RCPT ACL."},
    Row{"exchange", "Exchange: raise quotas or clear unused mailboxes; the transport can't know them at RCPT TO."},
    Row{"cpanel", "cPanel: reject mail for accounts that are over quota during SMTP (Exim configuration, mail)."},
    Row{"exchange-online",
        "Exchange Online: raise quotas or clear unused mailboxes; full ones bounce mail that was accepted."},
    Row{"sendmail", "Sendmail: ask the mail store before DATA with a milter; mail.local sees the quota too late."},
    Row{"qmail", "qmail: check the quota in qmail-smtpd, by a qmail-spp plugin; after the queue it can only bounce."},
    Row{"plesk", "Plesk: with Postfix and Dovecot, quota-status as above; else larger quotas for mailboxes in use."},
    Row{"domino", "Domino: in the server document, `Over quota enforcement`: hold or refuse mail, not `Non Deliver`."},
};

constexpr std::array kFilterEarly{
    Row{"", "Refuse while the client is still connected, or quarantine, or discard; never answer afterwards."},
    Row{"postfix",
        "Postfix: filter before the queue, by a milter or smtpd_proxy_filter; an after-queue filter must not "
        "bounce."},
    Row{"amavis",
        "amavisd behind the queue: $final_virus_destiny, $final_banned_destiny and $final_spam_destiny at D_DISCARD or "
        "D_PASS, never D_BOUNCE."},
    Row{"mailscanner", "MailScanner: no `bounce` in Spam Actions, and Enable Spam Bounce = no."},
    Row{"exim",
        "Exim: filter in the DATA ACL (`deny malware = *`, `deny spam = nobody`), not in a router or transport."},
    Row{"exchange",
        "Exchange: let filters and transport rules reject during the session or quarantine, without an NDR."},
    Row{"barracuda", "Barracuda: set Send Bounce to No for blocked and quarantined mail."},
    Row{"exchange-online",
        "Exchange Online: anti-spam policy and mail flow rules that quarantine or delete; none that rejects with an "
        "NDR."},
    Row{"sendmail", "Sendmail: filter by a milter (MIMEDefang, amavisd-milter), which refuses at the end of DATA."},
    Row{"qmail", "qmail: scan in qmail-smtpd (qmail-queue replacement that exits 31 or 82), never after the queue."},
    Row{"cpanel",
        "cPanel: Exim configuration: reject at SMTP time by SpamAssassin and ClamAV; no `fail` in user filters."},
    Row{"plesk", "Plesk: spam filter: move or delete; server-wide black lists and DNSBLs, which refuse at once."},
    Row{"domino",
        "Domino: mail rules on the server: `don't deliver silently` or journal, never `reject` after acceptance."},
    Row{"mimecast", "Mimecast: policies that reject at the gateway; no bounce notification to external senders."},
    Row{"proofpoint", "Proofpoint: rules that reject during the session or quarantine; no bounce as a disposition."},
};

constexpr std::array kStopDelayWarnings{
    Row{"",
        "Don't warn unauthenticated senders of delays, and refuse mail that can't be delivered: relay only for domains "
        "whose server is up and whose recipients you know."},
    Row{"postfix", "Postfix: delay_warning_time = 0h (the default)."},
    Row{"exim", "Exim: `delay_warning_condition = ${if def:authenticated_id}` or delay_warning empty."},
    Row{"sendmail", "Sendmail: leave confTO_QUEUEWARN empty."},
    Row{"exchange",
        "Exchange: Set-TransportService -DelayNotificationTimeout to its maximum, and external delay DSNs off "
        "(`Set-TransportConfig -ExternalDelayDsnEnabled $false`)."},
    Row{"exchange-online",
        "Exchange Online: connectors to servers of yours that are up; remove domains you don't use."},
    Row{"qmail", "qmail itself sends no delay warnings; these come from another hop or a patch: remove it."},
    Row{"domino", "Domino: configuration document, Router/SMTP, `Send delayed delivery notifications`: off."},
    Row{"cpanel", "cPanel: Exim's advanced configuration: delay_warning empty."},
    Row{"plesk", "Plesk: with Postfix, delay_warning_time = 0h; with qmail nothing."},
};

constexpr std::array kAnswerLess{
    Row{"",
        "RFC 3834 §2: answer nothing with a null reverse-path, `Auto-Submitted`, `List-*` or `Precedence: bulk`, "
        "nothing that doesn't name the user in To: or Cc:, and each correspondent once in seven days at most."},
    Row{"",
        "Let `vacation` answer only correspondents known to the user or senders that passed SPF or DKIM, and never "
        "what "
        "the spam filter caught."},
    Row{"exchange",
        "Exchange: no automatic replies to the outside (`Set-RemoteDomain Default -AutoReplyEnabled $false`), or "
        "to contacts only."},
    Row{"exchange-online",
        "Exchange Online: `Set-RemoteDomain Default -AutoReplyEnabled $false`, or to contacts only."},
    Row{"cpanel", "cPanel: remove autoresponders of role addresses; ticket systems should confirm by the web instead."},
    Row{"postfix",
        "Postfix with Dovecot: Sieve's vacation obeys RFC 5230 and 3834; let it run only on what isn't spam and names "
        "the user in :addresses."},
    Row{"exim",
        "Exim: in the autoreply router, `senders = !: …`, `condition` on Auto-Submitted, List-Id and Precedence, and "
        "`once_repeat = 7d`."},
    Row{"sendmail", "Sendmail: vacation(1) as it comes, with -r 7; it leaves alone who isn't in To: or Cc:."},
    Row{"qmail", "qmail: qmail-autoresponder or vacation with a list of answered senders, after the spam filter."},
    Row{"plesk",
        "Plesk: autoresponders off, or limited to one answer per address and day, and behind the spam filter."},
    Row{"domino", "Domino: Out of Office as a service, `no replies to Internet addresses`."},
};

constexpr std::array kWarnNobody{
    Row{"",
        "Send no notice to the sender of a virus: it is forged. Notify the recipient or the administrator, if "
        "anybody."},
    Row{"amavis", "amavisd: $warnvirussender = 0, $warnbannedsender = 0, $final_virus_destiny = D_DISCARD."},
    Row{"mailscanner", "MailScanner: Notify Senders = no."},
    Row{"exchange", "Exchange: in the malware filter's policy, notify no external senders."},
    Row{"postfix", "Postfix: whatever scans behind it (amavisd, ClamAV, a gateway) must notify no sender."},
    Row{"exim", "Exim: `deny malware = *` in the DATA ACL instead of a scanner that sends notices."},
    Row{"exchange-online", "Exchange Online: anti-malware policy: notify external senders, off."},
    Row{"sendmail",
        "Sendmail: in MIMEDefang action_discard() or action_bounce() during SMTP, no action_notify_sender()."},
    Row{"qmail", "qmail-scanner: --notify none (or psender for policy blocks only)."},
    Row{"barracuda", "Barracuda: Notify Sender of blocked attachments and viruses: off."},
    Row{"domino", "Domino: the scanner's task (ScanMail, GroupShield and the like): no notification to senders."},
    Row{"cpanel", "cPanel: ClamAV in Exim's DATA ACL refuses; no filter that answers."},
    Row{"plesk", "Plesk: antivirus: discard infected mail, no notice to the sender."},
};

constexpr std::array kAskNobody{
    Row{"",
        "Don't ask strangers to confirm: most addresses asked are forged. Filter instead, or refuse during SMTP with a "
        "text that tells a real sender what to do."},
    Row{"tmda", "TMDA: ACTION_INCOMING = \"hold\" instead of \"confirm\"."},
    Row{"boxtrapper", "cPanel: BoxTrapper off, for all accounts: WHM, Feature Manager."},
    Row{"ask", "ASK: stop it from sending confirmations; deliver mail of unknown senders to a folder."},
    Row{"cpanel", "cPanel: BoxTrapper off, for all accounts: WHM, Feature Manager."},
};

constexpr std::array kAskForConsent{
    Row{"",
        "RFC 8098 §2.1: no receipt goes out by itself where Disposition-Notification-To: and Return-Path: differ. Turn "
        "automatic receipts off, on the server and in clients."},
    Row{"exchange", "Exchange: `Set-RemoteDomain Default -DeliveryReportEnabled $false`."},
    Row{"exchange-online", "Exchange Online: `Set-RemoteDomain Default -DeliveryReportEnabled $false`."},
    Row{"domino",
        "Domino: configuration document, `Return receipts to Internet senders`: off; Notes: prompt or never."},
    Row{"groupwise", "GroupWise: GWIA, `Outbound status`: none, and return notification for Internet mail off."},
};

constexpr std::array kVerifyOtherwise{
    Row{"",
        "Don't verify senders by calling the server of a domain that may be forged: SPF and DMARC tell more and "
        "trouble "
        "nobody."},
    Row{"postfix", "Postfix: remove reject_unverified_sender, or limit it to a few domains by check_sender_access."},
    Row{"exim", "Exim: `verify = sender` instead of `verify = sender/callout`."},
    Row{"cpanel", "cPanel: Sender Verification Callouts: off (Exim configuration)."},
    Row{"sendmail", "Sendmail: remove milter-sender or the call-back in smf-sav; SPF and DKIM milters instead."},
    Row{"qmail", "qmail: remove the sender callout patch or plugin (CHKUSER_SENDER and the like)."},
    Row{"plesk", "Plesk: no callout in the milters before Postfix; SPF and DMARC are switches in the mail settings."},
};

[[nodiscard]] std::vector<std::string> chosen(std::span<const Row> rows, std::string_view product) {
  // Whoever runs a known product has no use for the settings of others.
  const bool known = !product.empty();
  std::vector<std::string> steps;
  for (const auto& row : rows) {
    if (!known || row.product.empty() || row.product == product) steps.emplace_back(row.step);
  }
  return steps;
}

[[nodiscard]] std::vector<std::string> steps_for_dsn(Cause cause, std::string_view product) {
  switch (cause) {
    case Cause::content_rejected:
    case Cause::policy:
      return chosen(kFilterEarly, product);
    case Cause::over_quota:
      return chosen(kRefuseFull, product);
    case Cause::delayed:
      return chosen(kStopDelayWarnings, product);
    case Cause::unknown_user:
    case Cause::system:
    case Cause::other:
    case Cause::none:
      break;
  }
  return chosen(kRefuseRecipients, product);
}

[[nodiscard]] std::string_view fault_of_dsn(Cause cause) {
  switch (cause) {
    case Cause::unknown_user:
      return "It accepts mail for recipients that don't exist, and bounces it later to the forged sender.";
    case Cause::over_quota:
      return "It accepts mail for full mailboxes, and bounces it later to the forged sender.";
    case Cause::content_rejected:
      return "It accepts mail, filters it afterwards, and bounces what it doesn't like to the forged sender.";
    case Cause::policy:
      return "It accepts mail that its own policy refuses, and bounces it later to the forged sender.";
    case Cause::delayed:
      return "It accepts mail that it can't deliver, and notifies the forged sender of the delay.";
    case Cause::system:
    case Cause::other:
    case Cause::none:
      break;
  }
  return "It accepts mail that it can't deliver, and bounces it later to the forged sender.";
}

}  // namespace

std::string_view product_name(std::string_view product) {
  // Every product in ingest/detect/signatures. A name that isn't here is never shown.
  static constexpr std::array<Row, 81> kNames{{
      {"postfix", "Postfix"},
      {"exim", "Exim"},
      {"sendmail", "Sendmail"},
      {"qmail", "qmail"},
      {"exchange", "Microsoft Exchange"},
      {"exchange-online", "Exchange Online"},
      {"courier", "Courier"},
      {"domino", "HCL (Lotus) Domino"},
      {"opensmtpd", "OpenSMTPD"},
      {"haraka", "Haraka"},
      {"zonemta", "ZoneMTA"},
      {"james", "Apache James"},
      {"groupwise", "GroupWise"},
      {"imail", "IMail"},
      {"intermail", "InterMail"},
      {"mailenable", "MailEnable"},
      {"mdaemon", "MDaemon"},
      {"communigate-pro", "CommuniGate Pro"},
      {"hmailserver", "hMailServer"},
      {"icewarp", "IceWarp"},
      {"kerio", "Kerio Connect"},
      {"mercury", "Mercury"},
      {"smartermail", "SmarterMail"},
      {"xmail", "XMail"},
      {"zimbra", "Zimbra"},
      {"zmailer", "ZMailer"},
      {"mmdf", "MMDF"},
      {"nullmailer", "nullmailer"},
      {"dma", "DragonFly Mail Agent"},
      {"powermta", "PowerMTA"},
      {"oracle-messaging-server", "Oracle Messaging Server"},
      {"amavis", "amavisd"},
      {"mailscanner", "MailScanner"},
      {"barracuda", "Barracuda"},
      {"bitdefender", "Bitdefender"},
      {"fortimail", "FortiMail"},
      {"interscan", "InterScan"},
      {"ironport", "IronPort"},
      {"mailmarshal", "MailMarshal"},
      {"mcafee", "McAfee"},
      {"messagelabs", "MessageLabs"},
      {"m-filter", "m-FILTER"},
      {"mimecast", "Mimecast"},
      {"proofpoint", "Proofpoint"},
      {"surfcontrol", "SurfControl"},
      {"tmda", "TMDA"},
      {"fml", "fml"},
      {"amazon-ses", "Amazon SES"},
      {"gmail", "Gmail"},
      {"mail.ru", "Mail.ru"},
      {"netease", "NetEase"},
      {"qq", "QQ Mail"},
      {"yahoo", "Yahoo"},
      {"yandex", "Yandex"},
      {"zoho", "Zoho"},
      {"ask", "Active Spam Killer"},
      {"boxtrapper", "BoxTrapper"},
      {"antigen", "Antigen"},
      {"antivir", "AntiVir"},
      {"bitbounce", "BitBounce"},
      {"boxbe", "Boxbe"},
      {"choicemail", "ChoiceMail"},
      {"declude", "Declude"},
      {"drweb", "Dr.Web"},
      {"f-secure", "F-Secure"},
      {"forefront", "Forefront"},
      {"groupshield", "GroupShield"},
      {"gwava", "GWAVA"},
      {"kaspersky", "Kaspersky"},
      {"mailinblack", "MailInBlack"},
      {"mimedefang", "MIMEDefang"},
      {"qconfirm", "qconfirm"},
      {"qmail-scanner", "qmail-scanner"},
      {"rav", "RAV"},
      {"sendio", "Sendio"},
      {"spamarrest", "Spam Arrest"},
      {"spamblocker", "SpamBlocker"},
      {"symantec", "Symantec"},
      {"uol-antispam", "UOL AntiSpam"},
      {"vexira", "Vexira"},
      {"webshield", "WebShield"},
  }};
  const auto* const row = std::ranges::find(kNames, product, &Row::product);
  return row == kNames.end() ? std::string_view() : row->step;
}

std::string_view fault_of(Kind kind, Cause cause) {
  switch (kind) {
    case Kind::challenge:
      return "It asks the senders of accepted mail to prove that they are human; most of them are forged.";
    case Kind::virus_notice:
      return "It notifies the senders of viruses and filtered mail; they are forged.";
    case Kind::auto_reply:
      return "It answers automatically without checking whether the sender is real.";
    case Kind::mdn:
      return "It sends receipts to any address that asks for one.";
    case Kind::callout:
      return "It asks our servers whether our addresses exist whenever somebody forges them.";
    case Kind::dsn:
    case Kind::feedback:
    case Kind::not_backscatter:
      break;
  }
  return fault_of_dsn(cause);
}

std::vector<std::string> steps_for(Kind kind, Cause cause, std::string_view product) {
  switch (kind) {
    case Kind::challenge:
      return chosen(kAskNobody, product);
    case Kind::virus_notice:
      return chosen(kWarnNobody, product);
    case Kind::auto_reply:
      return chosen(kAnswerLess, product);
    case Kind::mdn:
      return chosen(kAskForConsent, product);
    case Kind::callout:
      return chosen(kVerifyOtherwise, product);
    case Kind::dsn:
    case Kind::feedback:
    case Kind::not_backscatter:
      break;
  }
  return steps_for_dsn(cause, product);
}

}  // namespace blowback::account
