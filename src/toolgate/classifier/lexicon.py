"""Words by what a tool does that is named with them. Data: the classifier weighs where a word stands."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset(text.split())


READ = words(
    """get list search find fetch read show describe view lookup retrieve check count query browse inspect explain
    analyze analyse calculate compute convert validate verify compare preview download summarize summarise translate
    detect extract scrape crawl screenshot watch wait monitor track help ping whoami diff tree recommend suggest parse
    resolve estimate forecast predict display export filter load is has what which how about echo think tail head grep
    glob ls cat stat peek discover explore enumerate identify obtain lookup map match measure observe poll quote rank
    receive report review sample tell trace trending weather fetches select simulate look scan investigate
    obtener buscar listar consultar leer mostrar ver obter ler obtenir chercher lister lire afficher holen suchen
    auflisten lesen anzeigen cerca leggi elenca"""
)
WRITE = words(
    """create add update set edit modify insert upsert put write append save upload rename move copy assign comment
    reply send share invite publish schedule subscribe unsubscribe fork star unstar follow unfollow like unlike merge
    commit push close reopen archive unarchive enable disable configure register import sync tag label pin unpin mark
    lock unlock approve reject manage submit reserve patch change link attach detach upgrade store remember
    ingest draft
    restore initialize init grant rotate generate new make post notify message email tweet react duplicate
    clone replace
    cancel accept decline toggle adjust apply assign unassign resolve complete respond redirect replay snooze record
    trash authorize initiate place capture connect disconnect migrate sign stage checkout rebase tune pause
    resume book join leave ban mute
    block unblock
    crear actualizar guardar enviar agregar editar criar atualizar salvar adicionar ajouter modifier envoyer
    erstellen speichern senden aktualisieren crea aggiorna invia"""
)
EXECUTE = words(
    """run execute exec eval invoke call trigger start stop restart deploy build test launch spawn shell bash terminal
    script click type press navigate fill drag hover scroll install compile debug render dispatch process lint fmt
    format clippy audit request command python javascript repl reboot boot shutdown tap swipe drive perform orchestrate
    evaluate doc benchmark train print ejecutar executar ausführen exécuter esegui automate operate control
    rollback"""
)
DESTRUCTIVE = words(
    """delete remove destroy drop purge erase wipe truncate clear reset revoke terminate uninstall flush kill nuke
    overwrite rm rmdir prune discard empty expunge forget eliminar borrar deletar excluir apagar remover supprimer
    effacer löschen loeschen entfernen elimina cancella undeploy decommission shred"""
)
FINANCIAL = words(
    """pay buy sell purchase refund charge withdraw deposit topup payout donate tip swap stake unstake trade bet redeem
    borrow repay lend wire remit reimburse disburse comprar vender pagar acheter payer kaufen bezahlen spend"""
)
"""Words that move or commit money where they are what the tool does."""
MONEY = words(
    """payment payments payout payouts refund refunds charge charges funds money transaction transactions token tokens
    credit credits sol eth btc usdc usdt crypto coins coin erc20 lamports cash balance trade"""
)
"""What is moved: with a verb of `MOVING` the tool is Financial."""
MOVING = words("send transfer create make authorize capture submit place execute initiate process approve")
TRADED = words("order orders trade position buy sell swap")
SURELY_MONEY = words("payment payments payout payouts refund refunds charge charges")
"""Also with a verb that otherwise only writes, as in `create_refund`."""
NEUTRAL = words(
    """link links method methods term terms template templates reminder category categories status report note request
    webhook webhooks label labels plan profile history list permission permissions schedule"""
)
"""Behind a word of money they say that the tool handles a description of it."""
NOUNS_TOO = words(
    """comment post label tag pin order transfer test build run log query command script request message email report
    record review commit call draft copy link charge refund deposit payment trade swap stake tip audit process map
    quote sample trace match print type share star like book schedule reply notify store control
    format doc weather head cat tree bet wire track scan filter view address python place capture javascript
    shell terminal
    train drive block"""
)
"""They name things as often as they are verbs."""
ANSWERS = words(
    """status history info information quote quotes eligibility estimate estimates log logs stats statistics details
    detail summary result results list price prices rate rates metrics overview availability limits fee fees"""
)
"""A name that ends so asks for something, whatever stands before it that could be a verb or a noun."""
PERMANENT = ("permanently", "cannot be undone", "can't be undone", "irreversibl", "irrevocabl", "unrecoverable")
SPENDS = (
    "transfer funds", "transfers funds", "send funds", "sends funds", "moves money", "move money", "send money",
    "sends money", "makes a payment", "make a payment", "process a payment", "charges the", "charge a customer",
    "real money", "swap tokens", "swaps tokens", "token swap", "buy or sell", "purchases", "place a trade",
    "places a trade", "execute a trade", "pays for",
)  # fmt: skip
IDEOGRAMS = {
    "删除": "Destructive",
    "移除": "Destructive",
    "清空": "Destructive",
    "支付": "Financial",
    "退款": "Financial",
    "转账": "Financial",
    "执行": "Execute",
    "运行": "Execute",
    "创建": "Write",
    "更新": "Write",
    "添加": "Write",
    "修改": "Write",
    "发送": "Write",
    "查询": "Read",
    "获取": "Read",
    "搜索": "Read",
    "列出": "Read",
    "読み": "Read",
    "取得": "Read",
    "検索": "Read",
    "削除": "Destructive",
    "作成": "Write",
}
