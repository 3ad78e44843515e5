-- Blowback in Rspamd: whether the envelope's sender is null. Rspamd's own BOUNCE isn't enough: it detects reports, and misses
-- automatic replies. The weight is 0; local.d/composites.conf uses the symbol.
rspamd_config.BACKSCATTER_NULL_SENDER = {
  callback = function(task)
    local from = task:get_from('smtp')
    -- A milter passes a null sender as no address at all.
    return not from or not from[1] or from[1].addr == ''
  end,
  description = 'The envelope sender is null',
  group = 'headers',
  score = 0.0,
}
