-- Blowback in Rspamd: whether the envelope's sender is null. Rspamd's own BOUNCE isn't enough: it looks for reports, and leaves
-- out automatic replies. Weighs nothing; local.d/composites.conf asks for it.
rspamd_config.BACKSCATTER_NULL_SENDER = {
  callback = function(task)
    local from = task:get_from('smtp')
    -- Without any address it is null as well, as a milter tells it.
    return not from or not from[1] or from[1].addr == ''
  end,
  description = 'The envelope sender is null',
  group = 'headers',
  score = 0.0,
}
