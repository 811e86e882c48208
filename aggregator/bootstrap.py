"""Everything wired once: settings in, one `Aggregator` out. The only place that knows who needs whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aggregator.sdk.contract import Capabilities
from aggregator.sdk.discovery import Found, discover
from aggregator.services.absences import Absences
from aggregator.services.accounts import Accounts
from aggregator.services.admission import Admission
from aggregator.services.answer_settings import AnswerSettings
from aggregator.services.answers import Answers
from aggregator.services.backfills import Backfills
from aggregator.services.belief_verbs import Beliefs
from aggregator.services.bodies import Bodies
from aggregator.services.calendars import Calendars
from aggregator.services.canaries import Canaries
from aggregator.services.case_units import CaseUnits
from aggregator.services.cases import Cases
from aggregator.services.certificates import Certificates
from aggregator.services.channel_settings import ChannelSettings
from aggregator.services.channels import Channels
from aggregator.services.checkpoints import Checkpoints
from aggregator.services.clock import Clock, system_clock
from aggregator.services.comparing import Comparing
from aggregator.services.deadlines import Deadlines
from aggregator.services.diagnostics import Diagnostics
from aggregator.services.digests import Digests
from aggregator.services.duplicates import Duplicates
from aggregator.services.errand_reminders import ErrandReminders
from aggregator.services.errands import Errands
from aggregator.services.evidence import Evidence
from aggregator.services.fields import Fields
from aggregator.services.figures import Figures
from aggregator.services.importing import Importing
from aggregator.services.inbox import Inbox
from aggregator.services.intake import Intake
from aggregator.services.key_rotation import KeyRotation
from aggregator.services.ledger_export import LedgerExport
from aggregator.services.ledger_places import LedgerPlaces
from aggregator.services.mailing import Mailing
from aggregator.services.match_preview import Previews
from aggregator.services.match_rules import MatchRules
from aggregator.services.match_training import Training
from aggregator.services.notices import Notices
from aggregator.services.outages import Outages
from aggregator.services.outbox import Outbox
from aggregator.services.placing import Placing
from aggregator.services.polling import Polling
from aggregator.services.privacy.erasing import Erasing
from aggregator.services.privacy.files import FileSweep
from aggregator.services.privacy.finding import Finding
from aggregator.services.privacy.granting import Granting
from aggregator.services.privacy.holds import Holds
from aggregator.services.privacy.policy import RetentionPolicy
from aggregator.services.privacy.register import Register
from aggregator.services.privacy.request_reminders import RequestReminders
from aggregator.services.privacy.retention import Retention
from aggregator.services.quarantine import Quarantine
from aggregator.services.reconciling import Reconciling
from aggregator.services.recounts import Recounts
from aggregator.services.reminder_choices import ReminderChoices
from aggregator.services.reminders import Reminders
from aggregator.services.review import Review
from aggregator.services.rulebook import Rulebook
from aggregator.services.rules import Rules
from aggregator.services.run_history import RunHistory
from aggregator.services.silence import Watch
from aggregator.services.status_words import StatusWords
from aggregator.services.unseen import Unseen
from aggregator.services.walk_in import WalkIn
from aggregator.services.webhooks import Webhooks
from aggregator.services.whatif import WhatIf
from aggregator.settings import Settings
from aggregator.storage.db import Database
from aggregator.storage.vault import Vault


@dataclass(frozen=True, slots=True)
class Aggregator:
    """The product's verbs, by subject."""

    settings: Settings
    db: Database
    vault: Vault
    clock: Clock
    connectors: Mapping[str, Found]
    rules: Rules
    accounts: Accounts
    channels: Channels
    polling: Polling
    quarantine: Quarantine
    canaries: Canaries
    backfills: Backfills
    reconciling: Reconciling
    beliefs: Beliefs
    status_words: StatusWords
    unseen: Unseen
    watch: Watch
    run_history: RunHistory
    key_rotation: KeyRotation
    channel_settings: ChannelSettings
    diagnostics: Diagnostics
    importing: Importing
    intake: Intake
    cases: Cases
    placing: Placing
    comparing: Comparing
    duplicates: Duplicates
    review: Review
    notices: Notices
    answer_settings: AnswerSettings
    bodies: Bodies
    absences: Absences
    case_units: CaseUnits
    fields: Fields
    deadlines: Deadlines
    outages: Outages
    outbox: Outbox
    errands: Errands
    errand_reminders: ErrandReminders
    inbox: Inbox
    figures: Figures
    evidence: Evidence
    certificates: Certificates
    checkpoints: Checkpoints
    ledger_export: LedgerExport
    ledger_places: LedgerPlaces
    match_rules: MatchRules
    previews: Previews
    training: Training
    mailing: Mailing
    reminders: Reminders
    digests: Digests
    reminder_choices: ReminderChoices
    rulebook: Rulebook
    calendars: Calendars
    recounts: Recounts
    whatif: WhatIf
    webhooks: Webhooks
    walk_in: WalkIn
    retention: Retention
    retention_policy: RetentionPolicy
    holds: Holds
    finding: Finding
    erasing: Erasing
    register: Register
    granting: Granting
    request_reminders: RequestReminders

    def close(self) -> None:
        self.db.close()


def build(settings: Settings, clock: Clock = system_clock) -> Aggregator:
    """Wire the product on a database that was migrated before. Touches no network."""
    db = Database(settings.database_url)
    vault = Vault.from_file(settings.key_file)
    connectors = discover([settings.data_dir / "connectors", *settings.connector_folders])
    rules = Rules()
    clocks = Deadlines(db, rules, clock)

    def capabilities(kind: str) -> Capabilities:
        found = connectors.get(kind)
        return found.manifest.capabilities if found and found.manifest else Capabilities(poll="none")

    answers = Answers(clocks, capabilities, settings.undo_s)
    intake = Intake(db, vault, rules, Admission(vault, clocks, answers), clock)
    accounts = Accounts(db, clock, settings)
    checkpoints = Checkpoints(db, vault, clock, settings)
    ledger_export = LedgerExport(db, checkpoints)
    channels = Channels(db, vault, connectors, clock, settings)
    match_rules = MatchRules(db, rules, clock)
    polling = Polling(db, vault, connectors, intake, clock, settings)
    backfills = Backfills(db, connectors, polling, clock)
    attachments = settings.data_dir / "attachments"
    cases = Cases(db, vault, clocks, clock, capabilities, attachments, undo_s=settings.undo_s)
    mailing = Mailing(db, clock, settings)
    files = FileSweep(db, attachments)
    finding = Finding(db, vault, clock)
    register = Register(db, vault, rules, clock)
    return Aggregator(
        settings=settings,
        db=db,
        vault=vault,
        clock=clock,
        connectors=connectors,
        rules=rules,
        accounts=accounts,
        channels=channels,
        polling=polling,
        quarantine=Quarantine(db, vault, polling, clock),
        canaries=polling.canaries,
        backfills=backfills,
        reconciling=Reconciling(db, polling, backfills, clock),
        beliefs=Beliefs(db, clocks, backfills, capabilities, connectors, clock),
        status_words=StatusWords(db, connectors, clock),
        unseen=Unseen(db, backfills, capabilities, clock),
        watch=Watch(db, rules, clock),
        run_history=RunHistory(db, clock, settings),
        channel_settings=ChannelSettings(db, connectors, channels),
        diagnostics=Diagnostics(db, connectors, clock),
        key_rotation=KeyRotation(db, vault, settings.key_file, clock),
        importing=Importing(db, connectors, accounts, channels, polling, clock),
        intake=intake,
        cases=cases,
        placing=Placing(db, rules, cases, clocks, clock),
        comparing=Comparing(db),
        duplicates=Duplicates(db, clocks, answers, clock),
        review=Review(db, clocks, answers, clock),
        notices=Notices(db, clock),
        bodies=Bodies(db, rules, cases, clock),
        answer_settings=AnswerSettings(db, clock, settings),
        absences=Absences(db, clock),
        case_units=CaseUnits(db, clocks, clock),
        fields=Fields(db, rules, clock),
        deadlines=clocks,
        outages=Outages(db, vault, clock),
        outbox=Outbox(db, vault, connectors, clock, settings),
        errands=Errands(db, connectors, clock, settings.data_dir),
        errand_reminders=ErrandReminders(db, connectors, rules, mailing, clock),
        inbox=Inbox(db, vault, clock),
        figures=Figures(db, clock),
        evidence=Evidence(db),
        checkpoints=checkpoints,
        ledger_export=ledger_export,
        ledger_places=LedgerPlaces(db, clock, settings, checkpoints, ledger_export, mailing),
        certificates=Certificates(db, rules, checkpoints, clock, settings),
        match_rules=match_rules,
        previews=Previews(db, rules, match_rules, clock),
        training=Training(db, rules, clock),
        mailing=mailing,
        reminders=Reminders(db, rules, mailing, clock),
        digests=Digests(db, rules, mailing, clock),
        reminder_choices=ReminderChoices(db, rules, mailing, clock),
        rulebook=Rulebook(db, rules, clock),
        calendars=Calendars(db, rules, clock),
        recounts=Recounts(db, rules, clock),
        whatif=WhatIf(db, rules, clock),
        webhooks=Webhooks(db, vault, connectors, intake, clock, settings),
        walk_in=WalkIn(db, vault, connectors, rules, channels, intake, clock, settings),
        retention=Retention(db, clock, files),
        retention_policy=RetentionPolicy(db, clock),
        holds=Holds(db, clock),
        finding=finding,
        erasing=Erasing(db, vault, clock, finding, files),
        register=register,
        granting=Granting(db, vault, clock, register),
        request_reminders=RequestReminders(db, rules, mailing, clock),
    )
