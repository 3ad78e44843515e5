dnl Blowback in Sendmail (8.16 or later), safe mode: only mail with a null sender is looked up, at the DATA command. In
dnl sendmail.mc, at the end:  include(`/etc/mail/blowback.m4')
dnl A client that is listed for callouts only (127.0.0.4) is accepted, and so is every client while the list can't be queried.
define(`BLOWBACK_ZONE', `bl.example.org')dnl
LOCAL_CONFIG
C{BlowbackCodes}2 3 5 6 7 9
Kblowback_reverse arpa
Kblowback_codes dns -R A -z: -Z400 -a. -T<TMP> -d5s -r2
Kblowback_text dns -R TXT -T<TMP> -d5s -r2
LOCAL_RULESETS
Scheck_data
# A real sender, or an authenticated client: no query.
R$*			$: < $&f > $&{auth_type}
R< <> > $*		$: < > $1
R< $+ > $*		$@ OK
R< > $+			$@ OK
# All codes, separated by colons. Not listed, listed with no code that counts here, or a failed look-up: accept.
R< >			$: < ask > $(blowback_reverse $&{client_addr} $).BLOWBACK_ZONE.
R< ask > $+		$: < $(blowback_codes $1 $: OK $) > $1
R< $* <TMP> > $*	$@ OK
R< $* 127.0.0.$={BlowbackCodes} $* > $+	$: < listed > < $(blowback_text $4 $: NONE $) >
R< listed > < NONE >	$#error $@ 5.7.1 $: "554 Listed for backscatter"
R< listed > < $* <TMP> >	$#error $@ 5.7.1 $: "554 Listed for backscatter"
R< listed > < $+ >	$#error $@ 5.7.1 $: "554 " $1
R$*			$@ OK
