# A stand-in for the cmdlets of ScheduledTasks that the product uses, with the parameter sets, types and positions of
# MicrosoftDocs/windows-powershell-docs, docset/winserver2025-ps/ScheduledTasks (CimInstance is a plain object here,
# CimSession, ThrottleLimit and AsJob are left out: nothing passes them).

. (Join-Path -Path (Split-Path -Path $PSScriptRoot -Parent) -ChildPath 'world.ps1')

function New-ScheduledTaskAction {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(Mandatory = $true, Position = 0)][string]$Execute,
        [Parameter(Position = 1)][string]$Argument,
        [Parameter(Position = 2)][string]$WorkingDirectory,
        [string]$Id
    )
    [pscustomobject]@{ Execute = $Execute; Arguments = $Argument; WorkingDirectory = $WorkingDirectory }
}

function New-ScheduledTaskTrigger {
    [CmdletBinding(PositionalBinding = $false, DefaultParameterSetName = 'Once')]
    param(
        [Parameter(ParameterSetName = 'Once', Mandatory = $true, Position = 0)][switch]$Once,
        [Parameter(ParameterSetName = 'Startup', Mandatory = $true, Position = 0)][switch]$AtStartup,
        [Parameter(ParameterSetName = 'Once', Mandatory = $true)][datetime]$At,
        [Parameter(ParameterSetName = 'Once')][timespan]$RepetitionInterval,
        [Parameter(ParameterSetName = 'Once')][timespan]$RepetitionDuration,
        [timespan]$RandomDelay
    )
    [pscustomobject]@{
        Kind        = $PSCmdlet.ParameterSetName
        Interval    = $(if ($PSBoundParameters.ContainsKey('RepetitionInterval')) { [System.Xml.XmlConvert]::ToString($RepetitionInterval) })
        Duration    = $(if ($PSBoundParameters.ContainsKey('RepetitionDuration')) { [System.Xml.XmlConvert]::ToString($RepetitionDuration) })
    }
}

function New-ScheduledTaskSettingsSet {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$AllowStartIfOnBatteries, [switch]$DontStopIfGoingOnBatteries, [switch]$DontStopOnIdleEnd,
        [switch]$Disable, [switch]$DisallowDemandStart, [switch]$DisallowHardTerminate, [switch]$Hidden,
        [switch]$StartWhenAvailable, [switch]$RunOnlyIfNetworkAvailable, [switch]$RunOnlyIfIdle, [switch]$WakeToRun,
        [timespan]$ExecutionTimeLimit, [timespan]$RestartInterval, [int]$RestartCount,
        [ValidateRange(0, 10)][int]$Priority,
        [ValidateSet('Parallel', 'Queue', 'IgnoreNew')][string]$MultipleInstances
    )
    [pscustomobject]@{
        Enabled                    = -not $Disable
        DisallowStartIfOnBatteries = -not $AllowStartIfOnBatteries
        StopIfGoingOnBatteries     = -not $DontStopIfGoingOnBatteries
        StopOnIdleEnd              = -not $DontStopOnIdleEnd
        StartWhenAvailable         = [bool]$StartWhenAvailable
        ExecutionTimeLimit         = [System.Xml.XmlConvert]::ToString($ExecutionTimeLimit)
        RestartInterval            = [System.Xml.XmlConvert]::ToString($RestartInterval)
        RestartCount               = $RestartCount
        Priority                   = $Priority
        MultipleInstances          = $MultipleInstances
    }
}

function Register-ScheduledTask {
    [CmdletBinding(PositionalBinding = $false, DefaultParameterSetName = 'User')]
    param(
        [Parameter(Mandatory = $true, Position = 0)][string]$TaskName,
        [Parameter(Position = 1)][string]$TaskPath = '\',
        [Parameter(Mandatory = $true, Position = 2)][object[]]$Action,
        [Parameter(Position = 3)][object[]]$Trigger,
        [Parameter(Position = 4)][object]$Settings,
        [Parameter(ParameterSetName = 'User', Position = 5)][string]$User,
        [Parameter(ParameterSetName = 'User', Position = 6)][string]$Password,
        [Parameter(ParameterSetName = 'User', Position = 7)][ValidateSet('Limited', 'Highest')][string]$RunLevel,
        [Parameter(Position = 8)][string]$Description,
        [Parameter(ParameterSetName = 'Principal', Position = 5)][object]$Principal,
        [switch]$Force
    )
    Add-Call 'Register-ScheduledTask' $PSBoundParameters
    $world = Read-World
    if (-not $world.elevated) { $PSCmdlet.ThrowTerminatingError((New-Refusal '0x80070005' 'PermissionDenied')) }
    $name = $User.Substring($User.IndexOf('\') + 1)
    $account = @($world.accounts | Where-Object { $_.name -eq $name })
    if ($account.Count -eq 0) { $PSCmdlet.ThrowTerminatingError((New-Refusal '0x80070534')) }
    if ($account[0].refuses) { $PSCmdlet.ThrowTerminatingError((New-Refusal $account[0].refuses)) }
    if ($account[0].password -cne $Password) {
        $PSCmdlet.ThrowTerminatingError((New-Refusal '0x8007052e' 'AuthenticationError' ([string][char]0x30E6 + ' ...')))
    }
    if (@($world.tasks | Where-Object { $_.TaskName -eq $TaskName -and $_.TaskPath -eq $TaskPath }).Count -gt 0) {
        $PSCmdlet.ThrowTerminatingError((New-Refusal '0x800700b7' 'ResourceExists'))
    }
    $state = if ($Settings.Enabled) { 'Ready' } else { 'Disabled' }
    # Windows tells a local account without its computer.
    $who = [pscustomobject]@{ UserId = $name; LogonType = 'Password'; RunLevel = $RunLevel }
    $task = [pscustomobject]@{
        TaskName = $TaskName; TaskPath = $TaskPath; State = $state; Description = $Description
        Settings = $Settings; Principal = $who; Actions = @($Action); Triggers = @($Trigger)
        info = [pscustomobject]@{ LastRunTime = '1999-11-30T00:00:00'; LastTaskResult = 267011 }
    }
    $world.tasks = @(@($world.tasks) + $task)
    Write-World $world
    $task
}

function Get-ScheduledTask {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Position = 0)][string[]]$TaskName, [Parameter(Position = 1)][string[]]$TaskPath)
    Add-Call 'Get-ScheduledTask' $PSBoundParameters
    $world = Read-World
    Write-World $world
    $found = @($world.tasks | Where-Object { $TaskPath -contains $_.TaskPath })
    if ($found.Count -eq 0) { $PSCmdlet.WriteError((New-Absence 'TaskPath')) }
    $found
}

function Get-ScheduledTaskInfo {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory = $true, Position = 0)][string]$TaskName, [Parameter(Position = 1)][string]$TaskPath)
    Add-Call 'Get-ScheduledTaskInfo' $PSBoundParameters
    $info = (Find-Task (Read-World) $TaskName $TaskPath $PSCmdlet).info
    [pscustomobject]@{ LastRunTime = [datetime]$info.LastRunTime; LastTaskResult = [uint32]$info.LastTaskResult }
}

function Find-Task($World, [string]$Name, [string]$Path, $Cmdlet) {
    $found = @($World.tasks | Where-Object { $_.TaskName -eq $Name -and $_.TaskPath -eq $Path })
    if ($found.Count -eq 0) { $Cmdlet.ThrowTerminatingError((New-Absence 'TaskName')) }
    $found[0]
}

function Enable-ScheduledTask {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory = $true, Position = 0)][string]$TaskName, [Parameter(Position = 1)][string]$TaskPath)
    Add-Call 'Enable-ScheduledTask' $PSBoundParameters
    $world = Read-World
    $task = Find-Task $world $TaskName $TaskPath $PSCmdlet
    $task.Settings.Enabled = $true
    $task.State = 'Ready'
    Write-World $world
    $task
}

function Start-ScheduledTask {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory = $true, Position = 0)][string]$TaskName, [Parameter(Position = 1)][string]$TaskPath)
    Add-Call 'Start-ScheduledTask' $PSBoundParameters
    $world = Read-World
    $task = Find-Task $world $TaskName $TaskPath $PSCmdlet
    # SCHED_E_TASK_DISABLED
    if (-not $task.Settings.Enabled) { $PSCmdlet.ThrowTerminatingError((New-Refusal '0x80041326')) }
    $task.info.LastRunTime = [datetime]::Now.ToString('o')
    if (@($world.broken) -contains $TaskName) {
        $task.info.LastTaskResult = 2
        $task.State = 'Ready'
    }
    elseif ($task.State -ne 'Running') {
        $task.info.LastTaskResult = 267009
        $task.State = 'Running'
        $world.lastPid++
        $action = $task.Actions[0]
        $process = [pscustomobject]@{
            pid = $world.lastPid; task = $TaskName; commandLine = '"' + $action.Execute + '" ' + $action.Arguments
        }
        $world.processes = @(@($world.processes) + $process)
    }
    Write-World $world
}

function Stop-ScheduledTask {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory = $true, Position = 0)][string]$TaskName, [Parameter(Position = 1)][string]$TaskPath)
    Add-Call 'Stop-ScheduledTask' $PSBoundParameters
    $world = Read-World
    $task = Find-Task $world $TaskName $TaskPath $PSCmdlet
    $task.State = 'Ready'
    $task.info.LastTaskResult = 267014
    $world.processes = @($world.processes | Where-Object { $_.task -ne $TaskName })
    Write-World $world
}

function Unregister-ScheduledTask {
    [CmdletBinding(PositionalBinding = $false, SupportsShouldProcess = $true, ConfirmImpact = 'High')]
    param([Parameter(Mandatory = $true, Position = 0)][string]$TaskName, [Parameter(Position = 1)][string]$TaskPath)
    Add-Call 'Unregister-ScheduledTask' $PSBoundParameters
    if (-not $PSCmdlet.ShouldProcess($TaskName)) { return }
    $world = Read-World
    $null = Find-Task $world $TaskName $TaskPath $PSCmdlet
    if (-not $world.elevated) { $PSCmdlet.ThrowTerminatingError((New-Refusal '0x80070005' 'PermissionDenied')) }
    $world.tasks = @($world.tasks | Where-Object { $_.TaskName -ne $TaskName })
    Write-World $world
}

Export-ModuleMember -Function *-ScheduledTask*
