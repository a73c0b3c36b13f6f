# Windows Update of this machine, through the COM objects of its agent: in a local process, as downloading and
# installing are refused to a remote one (Microsoft, wua_sdk). Dot-sourced by Watari.HyperV.psm1.
#
# A job runs in a process of its own (update-job.ps1) and keeps in one value of the registry what it was asked and how
# far it is. That survives worker, shell and restart, and only administrators can write there.

# What Cluster-Aware Updating asks for, so that the two can be compared.
$script:UpdateCriteria = "IsInstalled=0 and Type='Software' and IsHidden=0 and IsAssigned=1"

# OperationResultCode, by its numbers from 0.
$script:UpdateResults = @('not-started', 'in-progress', 'succeeded', 'succeeded-with-errors', 'failed', 'aborted')

# What was found is not applicable any more.
$script:UpdateGone = '0x80240055'
# WU_E_EULAS_DECLINED: the licence terms were not accepted.
$script:UpdateTermsOpen = '0x80240023'
# The files have to be downloaded once more.
$script:DownloadAgain = '0x8024200D'

$script:ServicingKey = 'SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\Interface'
# Servicing still works on what the restart left to it.
$script:ServicingWorks = 2

# DISM: what means that nothing is wrong. Success; a restart is owed (as Win32 code, and as the agent's own); nothing of
# it applies here; all of it is here already.
$script:PackageResults = @{
    '0x00000000' = @{ Changed = $true; Restart = $false }
    '0x00000BC2' = @{ Changed = $true; Restart = $true }
    '0x00240005' = @{ Changed = $true; Restart = $true }
    '0x00240006' = @{ Changed = $false; Restart = $false }
    '0x80240017' = @{ Changed = $false; Restart = $false }
}

function Get-UpdateResultWord {
    param([int]$Code)
    if ($Code -ge 0 -and $Code -lt $script:UpdateResults.Count) { return $script:UpdateResults[$Code] }
    'failed'
}

function ConvertTo-UpdateFact {
    param($Update)
    $behavior = $Update.InstallationBehavior
    $severity = [string]$Update.MsrcSeverity
    [pscustomobject][ordered]@{
        id              = ([string]$Update.Identity.UpdateID).ToLowerInvariant()
        revision        = [int]$Update.Identity.RevisionNumber
        title           = [string]$Update.Title
        kbs             = @(foreach ($article in $Update.KBArticleIDs) { 'KB' + [string]$article })
        bytes           = [long]$Update.MaxDownloadSize
        severity        = if ($severity -eq '') { $null } else { $severity }
        restart         = switch ([int]$behavior.RebootBehavior) { 0 { 'never' } 1 { 'always' } default { 'maybe' } }
        impact          = switch ([int]$behavior.Impact) { 1 { 'minor' } 2 { 'exclusive' } default { 'normal' } }
        canRequestInput = [bool]$behavior.CanRequestUserInput
        eulaAccepted    = [bool]$Update.EulaAccepted
        categories      = @(foreach ($category in $Update.Categories) { [string]$category.Name })
        downloaded      = [bool]$Update.IsDownloaded
    }
}

function Get-WatariUpdate {
    <#
    .SYNOPSIS
    Asks Windows Update, or the WSUS of this machine, which updates it lacks. Changes nothing and may take minutes.
    .PARAMETER Criteria
    As IUpdateSearcher.Search takes them; unless given, those of Cluster-Aware Updating.
    .EXAMPLE
    (Get-WatariUpdate).updates | Format-Table -Property kbs, title, bytes
    #>
    [CmdletBinding()]
    param([AllowEmptyString()][string]$Criteria = '')
    if ($Criteria -eq '') { $Criteria = $script:UpdateCriteria }
    $found = Invoke-Recorded { (Watari.Probe\Get-UpdateAgent -ProgId 'Microsoft.Update.Session').CreateUpdateSearcher().Search($Criteria) }
    [pscustomobject][ordered]@{
        result   = Get-UpdateResultWord ([int]$found.ResultCode)
        warnings = @(foreach ($warning in $found.Warnings) { ConvertTo-HResult $warning.HResult })
        updates  = @(for ($i = 0; $i -lt [int]$found.Updates.Count; $i++) { ConvertTo-UpdateFact $found.Updates.Item($i) })
    }
}

function Get-WatariServicing {
    <#
    .SYNOPSIS
    Tells whether Windows owes a restart, whether servicing still works after one, and which build this is.
    .EXAMPLE
    Get-WatariServicing
    #>
    [CmdletBinding()]
    param()
    $system = Invoke-Recorded { Watari.Probe\Get-UpdateAgent -ProgId 'Microsoft.Update.SystemInfo' }
    $installer = Invoke-Recorded { (Watari.Probe\Get-UpdateAgent -ProgId 'Microsoft.Update.Session').CreateUpdateInstaller() }
    $number = Read-RegistryText $script:RegistryKeys.Windows 'CurrentBuildNumber'
    $revision = Read-RegistryNumber $script:RegistryKeys.Windows 'UBR'
    [pscustomobject][ordered]@{
        restartNeeded = [bool]$system.RebootRequired -or [bool](Test-RestartOwed)
        working       = (Read-RegistryNumber $script:ServicingKey 'ServicingInProgress') -eq $script:ServicingWorks
        installerBusy = [bool]$installer.IsBusy
        restartFirst  = [bool]$installer.RebootRequiredBeforeInstallation
        build         = "$number.$revision"
        boot          = [string](Get-BootId)
    }
}

# The job as it was written down last; $null: there was none. Times have a sign in front: PowerShell 7 would make dates
# of them.
function Read-UpdateJob {
    $note = Invoke-Recorded { Watari.Probe\Read-Note -Name 'UpdateJob' }
    if ([string]$note.Text -eq '') { return $null }
    ConvertFrom-Json -InputObject ([string]$note.Text)
}

function Save-UpdateJob {
    param($Job)
    $Job.changedAt = '=' + (ConvertTo-IsoTime ([datetime]::UtcNow))
    $text = ConvertTo-Json -InputObject $Job -Compress -Depth 5
    $null = Watari.Probe\Write-Note -Name 'UpdateJob' -Text $text
}

function Get-WatariUpdateJob {
    <#
    .SYNOPSIS
    Tells of the latest download or installation of updates that watari started here: under way or over; $null: none.
    .EXAMPLE
    Get-WatariUpdateJob
    #>
    [CmdletBinding()]
    param()
    # First: a job that ends in between has then written so.
    $task = Invoke-Recorded { Watari.Probe\Test-UpdateTask }
    $job = Read-UpdateJob
    if ($null -eq $job) { return $null }
    $state = 'lost'
    $isOfThisBoot = [string]$job.boot -ceq [string](Get-BootId)
    # Also in the moment after its last word: another job cannot start before the task has ended.
    if ($isOfThisBoot -and [bool]$task.Running) { $state = 'running' }
    elseif ([bool]$job.ended) { $state = 'ended' }
    elseif (-not $isOfThisBoot) { $state = 'cut-off' }
    [pscustomobject][ordered]@{
        kind      = [string]$job.kind
        state     = $state
        ids       = @($job.ids | ForEach-Object { [string]$_ })
        results   = @($job.results | Where-Object { $null -ne $_ } | ForEach-Object {
                [ordered]@{
                    id            = [string]$_.id
                    result        = [string]$_.result
                    hresult       = [string]$_.hresult
                    restartNeeded = [bool]$_.restartNeeded
                }
            })
        startedAt = ([string]$job.startedAt).Substring(1)
        changedAt = ([string]$job.changedAt).Substring(1)
        error     = if ($null -eq $job.error) { $null } else { [ordered]@{ hresult = [string]$job.error.hresult; message = [string]$job.error.message } }
    }
}

# One thing with all of them is enough: the same job again is the same job.
function Test-SameUpdateJob {
    param($Job, [string]$Kind, [string[]]$Id)
    $Job.kind -eq $Kind -and $Job.ids.Count -eq $Id.Count -and @($Id | Where-Object { $Job.ids -notcontains $_ }).Count -eq 0
}

function Start-UpdateJob {
    param([string]$Kind, [string[]]$Id, [bool]$AcceptEula)
    Invoke-InTurn -Of Start-WatariUpdateJob -Work {
        $changed = $true
        $wanted = @($Id | ForEach-Object { $_.ToLowerInvariant() } | Select-Object -Unique)
        $job = Get-WatariUpdateJob
        if ($null -ne $job) {
            $isSame = Test-SameUpdateJob $job $Kind $wanted
            if ($job.state -eq 'running') {
                if (-not $isSame) {
                    throw (New-ModuleError -Id 'UpdatesBusy' -HResult '0x80240009' -Category ResourceBusy -Message (
                            "$([Environment]::MachineName) is busy with another job for updates, since $($job.startedAt)."))
                }
                $changed = $false
            }
            elseif ($isSame -and $job.state -eq 'ended' -and $null -eq $job.error) {
                $failed = @($job.results | Where-Object { $_.result -ne 'succeeded' })
                # What an earlier boot installed may have been rolled back by the restart.
                $changed = $failed.Count -gt 0 -or [string](Read-UpdateJob).boot -cne [string](Get-BootId)
            }
        }
        if ($changed) {
            $now = '=' + (ConvertTo-IsoTime ([datetime]::UtcNow))
            Save-UpdateJob ([ordered]@{
                    kind = $Kind; ids = $wanted; acceptEula = $AcceptEula; boot = [string](Get-BootId)
                    startedAt = $now; changedAt = $now; results = @(); error = $null; ended = $false
                })
            $null = Invoke-Recorded { Watari.Probe\Start-UpdateTask }
        }
        [pscustomobject][ordered]@{ changed = $changed }
    }
}

function Save-WatariUpdate {
    <#
    .SYNOPSIS
    Starts to download updates, in a process of its own, and returns. Get-WatariUpdateJob tells how far it is.
    .PARAMETER Id
    UpdateIDs, as Get-WatariUpdate tells them.
    .PARAMETER AcceptEula
    Accept their licence terms.
    .EXAMPLE
    Save-WatariUpdate -Id (Get-WatariUpdate).updates.id -AcceptEula $true
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)][Alias('ids')][ValidatePattern('\A[0-9A-Fa-f-]{36}\z')][string[]]$Id,
        [bool]$AcceptEula = $false
    )
    Start-UpdateJob 'download' $Id $AcceptEula
}

function Install-WatariUpdate {
    <#
    .SYNOPSIS
    Starts to install updates, in a process of its own, and returns. Get-WatariUpdateJob tells how far it is. Never
    restarts.
    .PARAMETER Id
    UpdateIDs, as Get-WatariUpdate tells them.
    .PARAMETER AcceptEula
    Accept their licence terms.
    .EXAMPLE
    Install-WatariUpdate -Id (Get-WatariUpdate).updates.id -AcceptEula $true
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)][Alias('ids')][ValidatePattern('\A[0-9A-Fa-f-]{36}\z')][string[]]$Id,
        [bool]$AcceptEula = $false
    )
    Start-UpdateJob 'install' $Id $AcceptEula
}

# What update-job.ps1 runs: the job that is written down, one update after the other. So a restart that comes from
# elsewhere, or the death of this process, loses one update's work and not the record of the others.
function Invoke-UpdateJob {
    $note = Read-UpdateJob
    $job = [ordered]@{
        kind = [string]$note.kind; ids = @($note.ids | ForEach-Object { [string]$_ }); acceptEula = [bool]$note.acceptEula
        boot = [string]$note.boot; startedAt = [string]$note.startedAt; changedAt = ''; results = @(); error = $null
        ended = $false
    }
    try {
        $session = Watari.Probe\Get-UpdateAgent -ProgId 'Microsoft.Update.Session'
        $found = $session.CreateUpdateSearcher().Search('IsInstalled=0 and IsHidden=0')
        foreach ($id in $job.ids) {
            $job.results += Complete-Update $session $found $id ($job.kind -eq 'install') $job.acceptEula
            Save-UpdateJob $job
        }
    }
    catch { $job.error = [ordered]@{ hresult = Read-ErrorCode $_; message = [string]$_.Exception.Message } }
    $job.ended = $true
    Save-UpdateJob $job
}

function Complete-Update {
    param($Session, $Found, [string]$Id, [bool]$Install, [bool]$AcceptEula)
    $ended = [ordered]@{ id = $Id; result = 'not-started'; hresult = $script:UpdateGone; restartNeeded = $false }
    $update = $null
    for ($i = 0; $i -lt [int]$Found.Updates.Count; $i++) {
        if ([string]$Found.Updates.Item($i).Identity.UpdateID -eq $Id) { $update = $Found.Updates.Item($i) }
    }
    if ($null -eq $update) { return $ended }
    try {
        if (-not [bool]$update.EulaAccepted) {
            if (-not $AcceptEula) { $ended.hresult = $script:UpdateTermsOpen; return $ended }
            [void]$update.AcceptEula()
        }
        # Wrapped: PowerShell takes a list of COM apart when a function gives it.
        $one = (Watari.Probe\New-UpdateList).List
        [void]$one.Add($update)
        if (-not [bool]$update.IsDownloaded) {
            $done = Receive-Update $Session $one
            if (-not $Install -or [int]$done.ResultCode -ne 2) { return Write-UpdateEnd $ended $done $false }
        }
        elseif (-not $Install) {
            $ended.result = 'succeeded'
            $ended.hresult = '0x00000000'
            return $ended
        }
        $done = Install-Update $Session $one
        if ((ConvertTo-HResult $done.HResult) -eq $script:DownloadAgain) {
            $null = Receive-Update $Session $one
            $done = Install-Update $Session $one
        }
        Write-UpdateEnd $ended $done ([bool]$done.RebootRequired)
    }
    catch {
        $ended.result = 'failed'
        $ended.hresult = Read-ErrorCode $_
        $ended
    }
}

function Write-UpdateEnd {
    param($Ended, $Done, [bool]$Restart)
    $Ended.result = Get-UpdateResultWord ([int]$Done.ResultCode)
    $Ended.hresult = ConvertTo-HResult $Done.HResult
    $Ended.restartNeeded = $Restart
    $Ended
}

function Receive-Update {
    param($Session, $Updates)
    $downloader = $Session.CreateUpdateDownloader()
    $downloader.Updates = $Updates
    $downloader.Download().GetUpdateResult(0)
}

function Install-Update {
    param($Session, $Updates)
    $installer = $Session.CreateUpdateInstaller()
    $installer.Updates = $Updates
    # Nobody sees a window here.
    $installer.ForceQuiet = $true
    $installer.AllowSourcePrompts = $false
    $installer.Install().GetUpdateResult(0)
}

function Complete-WatariUpdate {
    <#
    .SYNOPSIS
    Tells Windows Update that the restart comes next, once for each boot. Some updates are not finished without it.
    .EXAMPLE
    Complete-WatariUpdate
    #>
    [CmdletBinding()]
    param()
    Invoke-InTurn -Of Complete-WatariUpdate -Work {
        $boot = [string](Get-BootId)
        $noted = Invoke-Recorded { Watari.Probe\Read-Note -Name 'UpdatesCommitted' }
        $changed = [string]$noted.Text -cne $boot
        if ($changed) {
            # Before it: a second call is not supported, and an answer may get lost.
            $null = Watari.Probe\Write-Note -Name 'UpdatesCommitted' -Text $boot
            try { $null = Invoke-Recorded { (Watari.Probe\Get-UpdateAgent -ProgId 'Microsoft.Update.Session').CreateUpdateInstaller().Commit(0) } }
            catch {
                $null = Watari.Probe\Write-Note -Name 'UpdatesCommitted' -Text 'none'
                throw
            }
        }
        [pscustomobject][ordered]@{ changed = $changed }
    }
}

function Install-WatariPackage {
    <#
    .SYNOPSIS
    Installs the packages of a folder by DISM: an update and the checkpoint updates that it stands on. Never restarts.
    .PARAMETER Folder
    A folder of this machine with .msu or .cab files.
    .EXAMPLE
    Install-WatariPackage -Folder 'C:\Updates\2026-11'
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][ValidatePattern('\A[^"]+\z')][string]$Folder)
    Invoke-InTurn -Of Install-WatariPackage -Work {
        $ended = Invoke-Recorded { Watari.Probe\Install-UpdatePackage -Folder $Folder }
        $code = ConvertTo-HResult $ended.ExitCode
        $result = $script:PackageResults[$code]
        if ($null -eq $result) {
            throw (New-ModuleError -Id 'PackagesNotInstalled' -HResult $code -Message (
                    "DISM of $([Environment]::MachineName) did not install the packages in $($Folder): code $code."))
        }
        [pscustomobject][ordered]@{ changed = [bool]$result.Changed; restartNeeded = [bool]$result.Restart }
    }
}
