"""Arrays of MERL's golden cases that belong to the joint space with text, not to a trunk."""

REASON = "of the joint space with text, not of the trunk"
OF_TRUNKS = dict.fromkeys(
    ("ext_ecg_emb", "ecg_emb1", "ecg_emb2", "proj_ecg_emb", "proj_text_emb", "text_pooler_output")
    + ("cma_loss", "uma_loss", "in.input_ids", "in.attention_mask"),
    REASON,
)
OF_RESNETS = OF_TRUNKS | dict.fromkeys(("downconv", "downconv.stats", "att_pool", "att_map"), REASON)
